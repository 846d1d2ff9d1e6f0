from dataclasses import replace

import pytest

from benchcli.analysis.verdicts import Verdict, outcome, verdict
from benchcli.schema import Failure, FamilyResult, Interval, Mode
from benchcli.schema.warnings import RunWarning
from benchcli.workloads.guidelines.base import EXPERIMENTS
from tests.values import family, record, result, variant


@pytest.mark.parametrize(
    ("found", "claims_faster", "expected"),
    [
        ("slower", False, "holds"),
        ("faster", False, "reversed"),
        ("faster", True, "holds"),
        ("slower", True, "reversed"),
        ("no effect", True, "no effect"),
        ("inconclusive", False, "inconclusive"),
        ("not judged", False, "not judged"),
    ],
)
def test_an_outcome_is_read_in_the_direction_of_the_claim(found: str, claims_faster: bool, expected: str) -> None:
    assert outcome(found, claims_faster) == expected  # type: ignore[arg-type]


def test_guidelines_are_judged_at_equal_flops() -> None:
    slower = Interval(0.96, 0.955, 0.965)
    assert verdict(result(slower)).outcome == "holds"
    with_more_flops = verdict(result(slower, deviation=0.033))
    assert with_more_flops.outcome == "no effect"
    assert with_more_flops.at_equal_flops
    assert with_more_flops.at_equal_flops.estimate == pytest.approx(0.99168)
    with_fewer_flops = verdict(result(Interval(0.995, 0.99, 1.0), deviation=-0.051))
    assert with_fewer_flops.outcome == "holds"
    assert with_fewer_flops.flops_deviation == -0.051


def test_g4_claims_that_the_extreme_is_faster() -> None:
    of = family(variant("relu+shortcut"), variant("none"), name="g4-x1", guideline="g4")
    faster = Interval(1.2, 1.18, 1.22)
    records = (record(of, "relu+shortcut", Interval(1.0, 1.0, 1.0)), record(of, "none", faster))
    assert verdict(FamilyResult(of, records, ())).outcome == "holds"
    assert verdict(result(faster)).outcome == "reversed"


@pytest.mark.parametrize(
    ("guideline", "values", "extreme"),
    [
        ("g1", ["1:1", "1:12", "1:2"], "1:12"),
        ("g2", ["g=1", "g=8", "g=4"], "g=8"),
        ("g3", ["1-fragment", "4-fragment-parallel", "4-fragment-series"], "4-fragment-parallel"),
        ("g3", ["1-fragment", "4-fragment-series", "2-fragment-parallel"], "4-fragment-series"),
        ("g4", ["relu+shortcut", "none", "relu"], "none"),
        ("g4", ["relu+shortcut", "relu", "shortcut"], "shortcut"),
    ],
)
def test_the_guideline_says_which_variant_is_the_extreme(guideline: str, values: list[str], extreme: str) -> None:
    assert EXPERIMENTS[guideline].extreme(values) == extreme


def test_the_order_of_a_suite_does_not_change_the_verdict() -> None:
    of = family(variant("g=1"), variant("g=8"), variant("g=2"))
    speeds = {"g=1": Interval(1.0, 1.0, 1.0), "g=8": Interval(0.6, 0.59, 0.61), "g=2": Interval(1.0, 0.99, 1.01)}
    records = tuple(record(of, name, speed) for name, speed in speeds.items())
    found = verdict(FamilyResult(of, records, ()))
    assert (found.variant, found.outcome) == ("g=8", "holds")


def test_an_inconclusive_verdict_says_what_would_settle_it() -> None:
    # 6 launches gave a half-width of 0.03; 0.94 is 0.041 beyond the bound in logarithms.
    found = verdict(result(Interval(0.94, 0.91, 0.99)))
    assert found.outcome == "inconclusive"
    assert found.advice == "about 8 launches should decide it: --launches 8"


def test_an_effect_at_the_bound_cannot_be_settled() -> None:
    found = verdict(result(Interval(0.9804, 0.95, 1.01)))
    assert found.advice == "the effect is too close to 2.0 % to decide"


def test_a_failed_variant_is_not_judged_and_says_why() -> None:
    of = family(variant("g=1"), variant("g=8"))
    failed = record(of, "g=8", None, failure=Failure("crashed", "the worker was ended by SIGSEGV"))
    found = verdict(FamilyResult(of, (record(of, "g=1", Interval(1.0, 1.0, 1.0)), failed), ()))
    assert found.outcome == "not judged"
    assert found.advice == "g=8 has no time: the worker was ended by SIGSEGV"


def test_an_estimate_without_an_interval_is_not_judged() -> None:
    few = result(Interval(0.5))
    records = tuple(replace(each, timing=replace(each.timing, launches=2)) for each in few.records if each.timing)
    found = verdict(replace(few, records=records))
    assert found.outcome == "not judged"
    assert found.advice == "no interval from 2 launches: give --launches 6 or more, or a larger --budget"


@pytest.mark.parametrize("which", [0, 1], ids=["baseline", "extreme"])
def test_times_of_the_host_are_not_judged_but_for_fragments(which: int) -> None:
    def verdict_of(guideline: str, names: tuple[str, str]) -> Verdict:
        of = family(*(variant(name) for name in names), name=f"{guideline}-x1", guideline=guideline)
        speeds = (Interval(1.0, 1.0, 1.0), Interval(0.8, 0.79, 0.81))
        records = [record(of, name, speed) for name, speed in zip(names, speeds, strict=True)]
        records[which] = replace(records[which], warnings=(RunWarning("host-bound", text="graph"),))
        return verdict(FamilyResult(of, tuple(records), ()))

    groups = verdict_of("g2", ("g=1", "g=8"))
    assert groups.outcome == "not judged"
    name = ("g=1", "g=8")[which]
    way_out = "give --runtime graph, or a larger --batch or larger networks"
    assert groups.advice == f"the host was timed, and not the device, for {name}: {way_out}"
    fragments = verdict_of("g3", ("1-fragment", "4-fragment-series"))
    assert fragments.outcome == "holds"
    assert str(fragments.advice).startswith("it counts the launches of kernels: the host was timed")


def test_a_verdict_says_what_each_mode_says() -> None:
    apart = result(Interval(0.9, 0.8, 1.0), deviation=0.05)
    timing = apart.records[-1].timing
    assert timing
    two = replace(timing, modes=(Mode(0.6, 0.7), Mode(0.95, 0.3)))
    records = (*apart.records[:-1], replace(apart.records[-1], timing=two))
    found = verdict(replace(apart, records=records))
    assert [(each.outcome, each.share) for each in found.modes] == [("holds", 0.7), ("no effect", 0.3)]
    assert found.modes[1].at_equal_flops == pytest.approx(0.9975)
    assert verdict(apart).modes == ()
