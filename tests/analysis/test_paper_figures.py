"""The papers' own figures, fed to the claims: every claim comes out as the paper says."""

from collections.abc import Iterable, Iterator, Mapping

import pytest

from benchcli.analysis.claims.base import Measurements, Platform, claims, judged
from benchcli.schema import Breakdown, Costs, Family, FamilyResult, Interval, Record, Target, Timing, Variant
from benchcli.settings import GROUPS
from benchcli.workloads import papers
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.guidelines.base import EXPERIMENTS, SIZE, Column
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.networks.base import NETWORKS, members
from benchcli.workloads.overrides import Overrides

SPEEDS: Mapping[Column, str] = {"arm": "arm_images_per_s", "gpu": "gpu_batches_per_s"}
DEVICES: Mapping[Column, str] = {"arm": "cpu", "gpu": "cuda"}
V1_TABLE_8 = {
    "alexnet-2012": "AlexNet",
    "shufflenet-v1-0.5x-g3": "ShuffleNet 0.5x (g=3)",
    "shufflenet-v1-1x-g3": "ShuffleNet 1x (g=3)",
    "shufflenet-v1-2x-g3": "ShuffleNet 2x (g=3)",
}
FIGURE = "shufflenetv2_figure2_runtime"
FIGURE_2 = {"shufflenet-v1-1x-g3": "ShuffleNet v1 1x g=3", "mobilenet-v2-1.0": "MobileNet v2 1x"}
HOLDS: Mapping[Column, set[str]] = {
    "arm": {
        *("g1", "g2", "g3", "g4", "indirect", "beyond-convolutions"),
        *("comparable-on-arm", "mobilenet-v2-on-arm", "fastest", "fastest-unit"),
        *("thirteen-times", "four-times-fewer"),
    },
    "gpu": {"g1", "g2", "g3", "g4", "indirect", "beyond-convolutions", "faster-on-gpu", "overtaken-on-gpu"},
}
"""The claims that a platform's printed figures can judge. All of them hold there."""


def record(
    family: Family, variant: Variant, device: str, speed: float, flops: float, baseline: tuple[float, float]
) -> Record:
    """Return a record of a printed speed and FLOPs, as if they had been measured exactly."""
    relative = speed / baseline[0]
    exact = Interval(relative, relative, relative)
    timing = Timing(Interval(1 / speed, 1 / speed, 1 / speed), exact, 6, 60, 0.0)
    costs = Costs(round(flops), 1, 1, 1, round(flops), 1, 1)
    return Record("run", "suite", family, variant, Target(device=device), None, costs, flops / baseline[1] - 1, timing)


def result(family: Family, figures: Mapping[str, tuple[float, float]], device: str) -> FamilyResult:
    """Return the result of a family from printed speeds and FLOPs by variant, the baseline first."""
    baseline = next(iter(figures.values()))
    by_name = {variant.name: variant for variant in family.variants}
    records = tuple(record(family, by_name[name], device, *figure, baseline) for name, figure in figures.items())
    return FamilyResult(family, records, ())


def named(name: str, variants: Iterable[Variant], catalogue: str = "networks", widths: str = "own") -> Family:
    return Family(name, "", 1, widths, 1, "float32", "nchw", tuple(variants), catalogue)  # type: ignore[arg-type]


def guideline_results(column: Column) -> Iterator[FamilyResult]:
    for name in ("g1", "g2", "g3", "g4"):
        guideline = EXPERIMENTS[name]
        (family,) = GuidelineRequest(guideline=name).families(Overrides(column=column))
        figures = {}
        for variant in family.variants:
            speed = guideline.paper_relative_speed(variant.name, column, 1)
            assert speed
            figures[variant.name] = (speed.estimate, float(guideline.multiply_adds(variant.params, SIZE)))
        yield result(family, figures, DEVICES[column])


def network_results(column: Column) -> Iterator[FamilyResult]:
    for group in GROUPS:
        networks = [network for network in members(group) if network.printed]
        figures = {}
        for network in networks:
            assert network.printed
            speed, mflops = network.printed.number(SPEEDS[column]), network.printed.mflops
            assert speed
            assert mflops
            figures[network.name] = (speed, 1e6 * mflops)
        family = named(f"networks-{group}", (network.variant() for network in networks))
        yield result(family, figures, DEVICES[column])


def arm_results() -> Iterator[FamilyResult]:
    blocks = ("shufflenet-v2", "shufflenet-v1-g3", "mobilenet-v2", "xception")
    variants = [
        Variant(name, f"benchcli:block/{name}", {"units": 10, "stride": 1}, (128, 28, 28), "128") for name in blocks
    ]
    speeds = {name: BLOCKS[name].paper_relative_speed(128, 28, "shufflenet-v2") for name in blocks}
    family = named("blocks", variants, "blocks", "128")
    yield result(family, {name: (speed, 1e6) for name, speed in speeds.items() if speed}, "cpu")
    figures = {
        name: (
            1 / (papers.cell("shufflenetv1_table8_arm", "ms_224x224", model=model) or 0.0),
            1e6 * (papers.cell("shufflenetv1_table8_arm", "mflops", model=model) or 0.0),
        )
        for name, model in V1_TABLE_8.items()
    }
    yield result(named("speedup", (NETWORKS[name].variant() for name in V1_TABLE_8)), figures, "cpu")


def figure_2(column: Column) -> Iterator[Breakdown]:
    """Yield Figure 2's shares as if a launch had traced them. Its convolutions include depthwise ones."""
    for name, model in FIGURE_2.items():
        cells = {
            category: papers.cell(
                "shufflenetv2_figure2_runtime", "percent", model=model, platform=column, category=category
            )
            for category in ("conv", "elemwise", "data", "shuffle", "other")
        }
        parts = {
            "convolution": cells["conv"],
            "depthwise": 0.0,
            "elementwise": cells["elemwise"],
            "data": (cells["data"] or 0.0) + (cells["shuffle"] or 0.0),
            "other": cells["other"],
        }
        yield Breakdown("figure-2", name, 0, 100.0, 100.0, parts, 0.0)  # type: ignore[arg-type]


def verdicts(column: Column) -> dict[str, str]:
    results = [*guideline_results(column), *network_results(column), *(arm_results() if column == "arm" else ())]
    traced = named("figure-2", (NETWORKS[name].variant() for name in FIGURE_2))
    results.append(result(traced, dict.fromkeys(FIGURE_2, (1.0, 1e6)), DEVICES[column]))
    evidence = Measurements({each.family.name: each for each in results}, tuple(figure_2(column)))
    return {each.claim.name: each.verdict for each in judged(evidence)}


@pytest.mark.parametrize("column", ["arm", "gpu"])
def test_the_papers_figures_support_the_papers_claims(column: Column) -> None:
    found = verdicts(column)
    assert {name: found[name] for name in sorted(HOLDS[column])} == dict.fromkeys(sorted(HOLDS[column]), "holds")


def test_every_claim_about_a_platform_is_tested_with_its_figures() -> None:
    printed: set[str] = {claim.name for claim in claims() if claim.platform != "any"}
    assert printed - HOLDS["arm"] - HOLDS["gpu"] == {"more-groups"}  # V1 prints no time for it
    for column in ("arm", "gpu"):
        other: Platform = "gpu" if column == "arm" else "arm"
        assert not {claim.name for claim in claims() if claim.platform == other} & HOLDS[column]


def test_a_claim_about_one_platform_need_not_hold_on_the_other() -> None:
    arm, gpu = verdicts("arm"), verdicts("gpu")
    assert arm["overtaken-on-gpu"] == "fails"
    assert gpu["comparable-on-arm"] == "partly"
