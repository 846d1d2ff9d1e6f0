"""The frontier of time and published error."""

from dataclasses import replace

from benchcli.analysis.front import pareto_front
from benchcli.schema import Costs, Family, Interval, Record, Target, Timing
from benchcli.workloads.networks.base import NETWORKS
from tests import values

COSTS = Costs(100, 10, 5, 20, 80, 60, 40)


def race(*entries: tuple[str, float, float], batch: int = 1, family: str = "networks-140") -> list[Record]:
    """Return records of networks: name, relative speed, half-width; the first is the baseline."""
    variants = tuple(NETWORKS[name].variant() for name, *_ in entries)
    of = Family(family, "", 1, "published", batch, "float32", "nchw", variants, "networks")
    found = []
    for variant, (_, speed, half) in zip(variants, entries, strict=True):
        seconds = Interval(0.01 / speed, 0.01 / speed * (1 - half), 0.01 / speed * (1 + half))
        relative = Interval(speed, speed * (1 - half), speed * (1 + half))
        timing = Timing(seconds, relative, 8, 60, 0.0)
        found.append(Record("run", "suite", of, variant, Target(), None, COSTS, 0.0, timing))
    return found


def places(records: list[Record]) -> list[str]:
    found = pareto_front(records)
    return [found.get((record.family.name, record.variant.name), "none") for record in records]


def test_who_is_beaten_in_both_is_off() -> None:
    # Published errors: 30.6, 36.3, 34.1.
    records = race(("shufflenet-v2-1x", 1.0, 0.01), ("mobilenet-v1-0.5", 1.6, 0.01), ("xception-1x", 0.8, 0.01))
    assert places(records) == ["on", "on", "off"]


def test_intervals_that_overlap_leave_doubt_to_both() -> None:
    # Published errors: 30.6 and 34.1. Nothing has less error than the first.
    records = race(("shufflenet-v2-1x", 1.0, 0.05), ("xception-1x", 0.98, 0.05))
    assert places(records) == ["on", "near"]
    assert places(race(("shufflenet-v2-1x", 1.0, 0.05), ("xception-1x", 1.02, 0.05))) == ["on", "near"]


def test_what_is_disturbed_is_not_judged_and_beats_nothing() -> None:
    one, other = race(("shufflenet-v2-1x", 2.0, 0.01), ("xception-1x", 1.0, 0.01))
    assert places([one, other]) == ["on", "off"]
    assert one.timing
    disturbed = replace(one, timing=replace(one.timing, excluded=40))
    assert places([disturbed, other]) == ["not judged", "near"]


def test_without_an_error_or_a_time_there_is_no_place() -> None:
    records = race(("shufflenet-v2-1x", 1.0, 0.01), ("resnet-50", 0.1, 0.01))
    assert places(records) == ["none", "none"]  # one alone is no race


def test_networks_of_other_groups_race_by_their_times_and_other_batches_do_not() -> None:
    fast = race(("shufflenet-v2-1x", 1.0, 0.01))
    slow = race(("xception-1x", 0.5, 0.01), family="other")
    assert places([*fast, *slow]) == ["on", "off"]
    assert places([*fast, *race(("xception-1x", 0.5, 0.01), batch=8)]) == ["on", "on"]


def test_the_test_uses_networks_as_they_are_published() -> None:
    assert NETWORKS["resnet-50"].printed is None
    assert values.COSTS.flops == 100
