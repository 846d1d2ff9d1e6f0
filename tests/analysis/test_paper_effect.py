"""How an effect compares with the paper's: logarithms at equal FLOPs, with both intervals, and a known reason."""

import math
from dataclasses import replace
from pathlib import Path

import pytest

from benchcli.analysis.paper_effect import filled, paper_effect, vector_fill
from benchcli.analysis.verdicts import verdicts, verdicts_of
from benchcli.reports.views.guideline_table import table
from benchcli.runs.read import read
from benchcli.schema import FamilyResult, Interval
from benchcli.schema.environment import Machine
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides
from tests.values import record

KEPT = Path(__file__).parents[2] / "results" / "reference"


def family_of(guideline: str, widths: str = "paper", extreme: Interval | None = None, scale: int = 1) -> FamilyResult:
    """A family in which all networks are as fast as the baseline but for the extreme one, of equal FLOPs."""
    request = GuidelineRequest(guideline=guideline, scales=(scale,), widths=widths)
    (of,) = request.families(Overrides())
    one = Interval(1.0, 1.0, 1.0)
    names = [each.name for each in of.variants]
    last = {"g1": "1:12", "g2": "g=8", "g3": "4-fragment-parallel", "g4": "none"}[guideline]
    return FamilyResult(of, tuple(record(of, name, extreme if name == last else one) for name in names), ())


def line(result: FamilyResult, lanes: int | None = None) -> str:
    found = verdicts([result], lanes=lanes)
    return table(result.family.guideline, [result], found).lines[0]


def strength(result: FamilyResult) -> Interval:
    effect = verdicts([result])[0].paper
    assert effect
    assert effect.strength
    return effect.strength


def test_three_times_as_strong_is_the_papers_speed_to_the_third() -> None:
    paper = 27.8 / 40.0
    found = strength(family_of("g2", extreme=Interval(paper**3, paper**3, paper**3)))
    assert found.estimate == pytest.approx(3.0)
    least, most = 27.75 / 40.05, 27.85 / 39.95  # what rounds to the printed speeds
    assert found.low == pytest.approx(3 * math.log(paper) / math.log(least))
    assert found.high == pytest.approx(3 * math.log(paper) / math.log(most))


def test_it_is_compared_at_the_flops_of_the_baseline_on_both_sides() -> None:
    result = family_of("g2", extreme=Interval(0.6, 0.6, 0.6))
    records = tuple(
        replace(each, flops_deviation=0.05 if each.variant.name == "g=8" else 0.0) for each in result.records
    )
    found = strength(replace(result, records=records))
    assert found.estimate == pytest.approx(math.log(0.6 * 1.05) / math.log(27.8 / 40.0 * 1.05))


@pytest.mark.parametrize(
    ("guideline", "speed", "says"),
    [
        ("g2", Interval(0.5, 0.49, 0.51), "(paper 0.695); 1.91 (1.84 to 1.98) times as strong as in the paper"),
        ("g2", Interval(0.9, 0.89, 0.91), "0.29 (0.26 to 0.32) times as strong as in the paper"),
        ("g2", Interval(0.7, 0.6, 0.8), "as strong as in the paper, within the interval: 0.98 (0.61 to 1.42) times"),
        ("g2", Interval(1.2, 1.19, 1.21), "the opposite of the paper's effect"),
        ("g2", Interval(1.0, 0.995, 1.005), "at most 0.02 times as strong as in the paper"),
        ("g4", Interval(1.5, 1.49, 1.51), "2.59 (2.52 to 2.66) times as strong as in the paper"),
    ],
)
def test_the_verdict_says_how_it_compares(guideline: str, speed: Interval, says: str) -> None:
    assert says in line(family_of(guideline, extreme=speed))


def test_nothing_is_compared_that_is_not_decided_or_not_the_papers() -> None:
    assert "strong" not in line(family_of("g2", extreme=Interval(0.98, 0.9, 1.05)))
    assert "strong" not in line(family_of("g2", extreme=None))
    slower = Interval(0.5, 0.49, 0.51)
    extreme = family_of("g2", extreme=slower).records[-1]
    assert paper_effect(extreme)
    for other in (
        replace(extreme, family=replace(extreme.family, batch=2)),
        replace(extreme, family=replace(extreme.family, step="train")),
        replace(extreme, family=replace(extreme.family, widths="own")),
        replace(extreme, variant=replace(extreme.variant, shape=(184, 28, 28))),
    ):
        assert paper_effect(other) is None


def test_figures_that_are_too_round_have_no_effect_to_compare_with() -> None:
    found = paper_effect(replace(family_of("g3", extreme=Interval(0.5, 0.5, 0.5), scale=2).records[2]))
    assert found  # 10.1 images a second, as the baseline: the 4 fragments in series
    assert found.strength is None


def test_padding_is_named_where_the_effect_is_stronger_than_in_the_paper() -> None:
    assert filled((23, 23), 16) == pytest.approx((23 / 32) ** 2)
    assert filled((9, 108), 16) == pytest.approx(9 * 108 / (16 * 112))
    stronger = family_of("g2", extreme=Interval(0.5, 0.49, 0.51))
    says = (
        "part may be padding (23 channels fill 52 % of SIMD blocks of 16×16, the baseline's 100 %): --channels aligned"
    )
    assert says in line(stronger, lanes=16)
    assert "padding" not in line(stronger, lanes=4)  # 23 of 24
    assert "padding" not in line(stronger)
    assert "padding" not in line(family_of("g2", extreme=Interval(0.9, 0.89, 0.91)), lanes=16)
    assert "9×108 channels fill" in line(family_of("g1", extreme=Interval(0.4, 0.39, 0.41)), lanes=16)
    assert "padding" not in line(family_of("g4", extreme=Interval(1.5, 1.49, 1.51)), lanes=16)  # all have the same


def test_padding_is_of_processors_and_float32() -> None:
    baseline, *_, extreme = family_of("g2", extreme=Interval(0.5, 0.49, 0.51)).records
    assert vector_fill(extreme, baseline, 16)
    assert vector_fill(replace(extreme, target=replace(extreme.target, device="cuda")), baseline, 16) is None
    assert vector_fill(replace(extreme, family=replace(extreme.family, dtype="bfloat16")), baseline, 16) is None
    aligned = family_of("g2", widths="aligned").records
    assert vector_fill(aligned[-1], aligned[0], 16) is None


@pytest.mark.parametrize(
    ("flags", "lanes"),
    [
        (("fma", "avx", "avx2", "avx512f"), 16),
        (("avx", "avx2"), 8),
        (("asimd", "bf16"), 4),
        (("sve",), None),
        ((), None),
    ],
)
def test_a_vector_is_as_wide_as_the_flags_say(flags: tuple[str, ...], lanes: int | None) -> None:
    assert Machine(simd=flags).float_lanes == lanes


def test_a_kept_run_says_both() -> None:
    (verdict,) = verdicts_of(read(KEPT / "g2-epyc"))
    assert verdict.paper
    assert verdict.paper.strength
    assert verdict.paper.strength.is_above(1.0)
    assert verdict.vectors
    assert verdict.vectors.channels == (23, 23)
