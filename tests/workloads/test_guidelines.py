"""The guidelines: channels, FLOPs, the paper's figures, the micro-networks."""

import math
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from benchcli.cost.count import count
from benchcli.errors import UserError
from benchcli.schema import Family, Interval, Variant
from benchcli.workloads import papers
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.guidelines.base import EXPERIMENTS, Column, Experiment, scaled
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides

COLUMNS: tuple[Column, ...] = ("arm", "gpu")
ALL = list(EXPERIMENTS)


def build(variant: Variant) -> torch.nn.Module:
    network = find_built_in(variant.builder)(**variant.params)
    assert isinstance(network, torch.nn.Module)
    return network


def published(guideline: str, column: Column, scale: int = 1) -> Family:
    return next(GuidelineRequest(guideline=guideline, scales=(scale,)).families(Overrides(column)))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("scale", [1, 2, 4])
@pytest.mark.parametrize("guideline", ALL, ids=lambda g: g.name)
def test_every_cell_of_the_papers_tables_is_a_variant(guideline: Experiment, scale: int, column: Column) -> None:
    if guideline.paper_table is None:
        pytest.skip("no paper has figures for it")
    rows = [row for row in papers.table(guideline.paper_table) if row["platform"] == column]
    of_scale = [guideline.paper_relative_speed(value, column, scale) for value in guideline.published_widths[column]]
    assert None not in of_scale
    assert len(of_scale) * 3 == len(rows)
    assert of_scale[0] == Interval(1.0, 1.0, 1.0)


@pytest.mark.parametrize(
    ("guideline", "value", "column", "relative"),
    [
        ("g1", "1:12", "arm", 57.6 / 76.2),
        ("g1", "1:12", "gpu", 748 / 1480),
        ("g2", "g=8", "arm", 27.8 / 40.0),
        ("g3", "4-fragment-parallel", "gpu", 691 / 2446),
        ("g4", "none", "arm", 66.3 / 56.7),
    ],
)
def test_the_papers_relative_speeds(guideline: str, value: str, column: Column, relative: float) -> None:
    speed = EXPERIMENTS[guideline].paper_relative_speed(value, column, 1)
    assert speed
    assert speed.estimate == pytest.approx(relative)


def test_a_papers_speed_is_as_exact_as_its_digits() -> None:
    speed = EXPERIMENTS["g2"].paper_relative_speed("g=8", "arm", 4)  # 1.8 and 2.3 images a second
    assert speed
    assert (speed.low, speed.high) == pytest.approx((1.75 / 2.35, 1.85 / 2.25))
    of_another = EXPERIMENTS["g2"].paper_relative_speed("g=8", "arm", 4, "g=4")
    assert of_another
    assert of_another.estimate == pytest.approx(1.8 / 2.1)


def test_published_channels_are_those_of_the_shipped_tables() -> None:
    for column in COLUMNS:
        for value, width in EXPERIMENTS["g1"].published_widths[column].items():
            row = next(
                r for r in papers.table("shufflenetv2_table1_g1") if (r["platform"], r["ratio"]) == (column, value)
            )
            assert width == (int(row["c1_x1"]), int(row["c2_x1"]))
        for value, width in EXPERIMENTS["g2"].published_widths[column].items():
            groups = value.removeprefix("g=")
            row = next(
                r for r in papers.table("shufflenetv2_table2_g2") if (r["platform"], r["groups"]) == (column, groups)
            )
            typo = column == "arm" and groups == "8"
            assert width == (184 if typo else int(row["c_x1"]))


@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("guideline", ALL, ids=lambda g: g.name)
def test_fvcore_and_torch_count_what_the_formula_says(guideline: Experiment, column: Column) -> None:
    for variant in published(guideline.name, column).variants:
        small = Variant(variant.name, variant.builder, variant.params, (variant.shape[0], 8, 8), variant.channels)
        costs = count(build(small), torch.zeros(1, *small.shape))
        assert costs.flops == guideline.multiply_adds(variant.params, 8)
        assert costs.unknown == ()


@pytest.mark.parametrize("guideline", ALL, ids=lambda g: g.name)
def test_activations_stay_of_order_one(guideline: Experiment) -> None:
    torch.manual_seed(0)
    for variant in published(guideline.name, "arm").variants:
        with torch.inference_mode():
            output = build(variant)(torch.randn(1, *variant.shape))
        assert output.shape == (1, *variant.shape)
        assert 1e-3 < float(output.std()) < 1e3
        assert float(output.abs().max()) < 65504 / 4  # finite in float16 too


@pytest.mark.parametrize(("guideline", "product"), [("g1", 9216), ("g2", 4096), ("g3", 4096)])
def test_aligned_channels_have_exactly_equal_flops(guideline: str, product: int) -> None:
    known = EXPERIMENTS[guideline]
    flops = {
        known.multiply_adds(v.params, 1)
        for v in next(GuidelineRequest(guideline=guideline, widths="aligned").families(Overrides())).variants
    }
    (exact,) = flops
    assert exact == (20 if guideline == "g1" else 10) * product


@pytest.mark.parametrize("guideline", ALL, ids=lambda g: g.name)
def test_aligned_channels_are_multiples_of_16(guideline: Experiment) -> None:
    for width in guideline.aligned_widths.values():
        assert all(part % 16 == 0 for part in (width if isinstance(width, tuple) else (width,)))


@given(width=st.integers(16, 2048), groups=st.integers(1, 16))
def test_solved_groups_divide_and_flops_are_near(width: int, groups: int) -> None:
    g2 = EXPERIMENTS["g2"]
    channels = g2.solve(f"g={groups}", width)
    assert isinstance(channels, int)
    assert channels % groups == 0
    # The next multiple is no nearer: off by at most half a step of the square.
    step = ((channels + groups) ** 2 - channels**2) / groups
    assert abs(channels**2 / groups - width**2) <= step


@given(width=st.integers(24, 1024), ratio=st.sampled_from([1, 2, 3, 4, 6, 9, 12]))
def test_solved_ratios_keep_the_flops(width: int, ratio: int) -> None:
    pair = EXPERIMENTS["g1"].solve(f"1:{ratio}", width)
    assert isinstance(pair, tuple)
    assert abs(pair[0] * pair[1] / width**2 - 1) < 0.02
    assert pair[1] / pair[0] == pytest.approx(ratio, rel=0.12)


@given(width=st.integers(16, 2048))
def test_solved_fragments_keep_the_flops(width: int) -> None:
    for value, n in (("2-fragment-series", 2), ("4-fragment-parallel", 4)):
        channels = EXPERIMENTS["g3"].solve(value, width)
        assert isinstance(channels, int)
        assert abs(channels - width / math.sqrt(n)) <= 0.5


@pytest.mark.parametrize(
    ("guideline", "text", "says"),
    [
        ("g1", "2:1", "not a ratio"),
        ("g1", "1:x", "not a ratio"),
        ("g1", "1:nan", "not a ratio"),
        ("g2", "g=0", "not a number of groups"),
        ("g2", "-1", "not a number of groups"),
        ("g3", "4-fragment", "did you mean"),
        ("g4", "rely", "did you mean relu"),
    ],
)
def test_a_value_that_is_none_is_refused(guideline: str, text: str, says: str) -> None:
    with pytest.raises(UserError, match=says):
        EXPERIMENTS[guideline].value(text)


def test_groups_that_do_not_divide_are_refused_with_the_nearest_that_do() -> None:
    with pytest.raises(UserError, match="8 groups do not divide 180 channels: the nearest are 176 or 184"):
        EXPERIMENTS["g2"].variant("g=8", 180)


def test_a_bottleneck_that_does_not_divide_is_refused() -> None:
    with pytest.raises(UserError, match="nearest are 28 or 32"):
        EXPERIMENTS["g4"].variant("none", 30)


def test_scales_multiply_channels() -> None:
    assert scaled((22, 44), 2) == (44, 88)
    assert scaled(184, 4) == 736


def test_each_guideline_has_its_shipped_table() -> None:
    folder = Path(papers.__file__).parent.parent / "data" / "paper"
    assert {path.stem for path in folder.glob("*.csv")} >= {guideline.paper_table for guideline in ALL}
