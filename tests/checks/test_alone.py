"""What launches of each version alone show of versions that compare differently in one process."""

from dataclasses import replace

import pytest

from benchcli.checks.alone import UNDECIDED, compared
from benchcli.checks.versions import BASE, HEAD
from benchcli.reports.views.check_page import how
from benchcli.reports.views.fact_list import badge_of_check
from benchcli.sampling.evidence import Evidence
from benchcli.sampling.worker_reports import Failures
from benchcli.schema import Plan, Target
from benchcli.schema.environment import CheckFacts, Environment
from tests.values import family, sample, variant

FAMILIES = [family(variant(BASE), variant(HEAD), name=name) for name in "abcd"]
Seconds = dict[str, tuple[float, float]]
"""Base's and head's, by family."""


def evidence(first: int, *launches: Seconds) -> Evidence:
    samples = {
        (name, side): [
            sample(side, first + number, 0, each[name][place]) for number, each in enumerate(launches) if name in each
        ]
        for name in "abcd"
        for place, side in enumerate((BASE, HEAD))
    }
    return Evidence(Target(), Plan(), {}, Failures(), samples=samples)


def all_of(base: float, head: float) -> Seconds:
    return dict.fromkeys("abcd", (base, head))


@pytest.mark.parametrize(
    ("together", "apart", "change"),
    [
        ([all_of(1.1, 1.1)], [all_of(1.0, 1.1)], 1.1),
        ([all_of(1.0, 1.0)], [all_of(1.0, 1.1)], 1.1),
        ([all_of(1.1, 1.1)], [all_of(1.1, 1.0)], 1 / 1.1),
        ([all_of(1.0, 1.1)], [all_of(1.0, 1.0)], 1.0),
        ([all_of(1.0, 1.3)], [all_of(1.0, 1.3)], None),
        ([all_of(1.0, 1.0)], [all_of(1.0, 1.3), all_of(1.2, 1.0)], None),
        ([all_of(1.0, 1.0)], [all_of(1.0, 1.3), all_of(1.3, 1.5)], 1.3),
        ([all_of(1.0, 1.0)], [{**all_of(1.0, 1.0), "d": (1.0, 1.3)}], 1.3),
        ([all_of(1.0, 1.0)], [{**all_of(1.0, 1.0), "d": (1.0, 1.09)}], None),
    ],
    ids=[
        "head slows the process",
        "head lost what base does to the process",
        "head gained what base profits from",
        "slower in one process only",
        "slower in both",
        "a fast launch alone agrees",
        "a disturbed launch of base hides nothing",
        "one network",
        "one by less",
    ],
)
def test_a_change_that_is_another_one_in_two_processes(
    together: list[Seconds], apart: list[Seconds], change: float | None
) -> None:
    lone = evidence(9, *apart)
    found = compared(FAMILIES, [evidence(0, *together)], {BASE: lone, HEAD: lone})
    assert found
    assert found.differs == (change is not None)
    assert change is None or found.apart == pytest.approx(change)
    if change:
        said = f"head takes {change:.2f} times as long as base" if found.is_unanimous else "too disturbed to tell"
        assert said in found.why_not


@pytest.mark.parametrize(("together", "agrees"), [(1.4, True), (1.6, False)])
def test_a_process_that_slows_both_alike_is_not_one_for_both(together: float, agrees: bool) -> None:
    """Such as one with settings of malloc under which only some of head's own launches are slow."""
    lone = evidence(9, all_of(1.0, 1.0))
    one = {**all_of(1.0, 1.0), "c": (together, together)}
    found = compared(FAMILIES, [evidence(0, one)], {BASE: lone, HEAD: lone})
    assert found
    assert (found.differs, found.is_settled, found.agrees) == (False, True, agrees)
    assert agrees or found.why_not == "a version takes 1.60 times as long in one process with the other as alone"


def test_launches_alone_that_were_all_slower_than_in_one_process_settle_nothing() -> None:
    """Base was disturbed as much as head is slower: the ratio of the two says nothing yet."""
    together = [evidence(0, all_of(1.0, 1.0))]
    hidden, seen = evidence(9, all_of(1.3, 1.3)), evidence(9, all_of(1.3, 1.3), all_of(1.0, 1.3))
    first = compared(FAMILIES, together, {BASE: hidden, HEAD: hidden})
    assert first
    assert (first.differs, first.is_settled, first.agrees) == (False, False, False)
    assert "too disturbed to tell" in first.why_not
    second = compared(FAMILIES, together, {BASE: seen, HEAD: seen})
    assert second
    assert (second.differs, second.agrees) == (True, False)


def test_a_cause_is_named_only_if_all_launches_say_the_same() -> None:
    together = [evidence(0, all_of(1.0, 1.0), all_of(1.0, 1.02))]
    for last, sure in ((1.3, True), (1.05, False)):
        lone = evidence(9, all_of(1.0, 1.3), all_of(1.1, last))
        found = compared(FAMILIES, together, {BASE: lone, HEAD: lone})
        assert found
        assert found.is_unanimous == sure
        assert ("times as long as base" in found.why_not) == sure or found.agrees


def test_networks_that_were_not_measured_alone_do_not_count() -> None:
    apart = evidence(9, {"a": (1.0, 1.0)})
    together = evidence(0, {"a": (1.0, 1.0), "b": (1.0, 2.0)})
    found = compared(FAMILIES[:2], [together], {BASE: apart, HEAD: apart})
    assert found
    assert found.agrees
    nothing = evidence(9, {})
    assert compared(FAMILIES, [together], {BASE: nothing, HEAD: nothing}) is None


def test_a_check_that_was_too_disturbed_to_tell_is_not_called_quiet() -> None:
    check = CheckFacts("ours", together=False, screenings=3)
    for why, is_quiet in ((None, True), ("it imports theirs while it runs", True), (UNDECIDED, False)):
        told = replace(check, why_apart=why)
        assert how(told).endswith(" · quiet") == is_quiet
        assert ("quiet" in badge_of_check(Environment("run", "2026-11-25T19:04:20Z", check=told))) == is_quiet
