"""The headline of a check counts every outcome of every network."""

from dataclasses import replace

import pytest

from benchcli.checks.findings import Finding, Outcome, Subject, ordered
from benchcli.checks.headline import Headline, headline_of
from benchcli.schema import Interval


def finding(network: str, outcome: Outcome, subject: Subject = "time", allowed: bool = False) -> Finding:
    return Finding("tower", network, subject, outcome, "text", "module:build", allowed=allowed)


def headline(*findings: Finding) -> Headline:
    return headline_of(ordered(findings))


def test_a_network_counts_under_each_of_its_outcomes() -> None:
    found = headline(
        finding("thin", "slower"),
        finding("thin", "costlier", "costs"),
        finding("thin", "changed", "output"),
        finding("wide", "slower"),
        finding("wide", "same", "output"),
        finding("deep", "same"),
    )
    assert found.networks == 3
    assert found.outcomes == {"changed": 1, "slower": 2, "costlier": 1, "same": 1}
    counts = "3 networks: 1 CHANGED, 2 SLOWER, 1 COSTLIER, 1 same"
    assert found.text == f"{counts}; a network counts under each of its outcomes"


def test_the_outcomes_are_in_the_order_of_their_harm() -> None:
    outcomes: tuple[Outcome, ...] = ("faster", "inconclusive", "costlier", "slower", "gone", "changed", "failed")
    found = headline(*(finding(name, name) for name in outcomes))
    assert list(found.outcomes) == ["failed", "changed", "gone", "slower", "costlier", "inconclusive", "faster"]
    assert found.text == "7 networks: 1 FAILED, 1 CHANGED, 1 GONE, 1 SLOWER, 1 COSTLIER, 1 inconclusive, 1 faster"


def test_two_findings_of_one_outcome_are_one_network() -> None:
    found = headline(finding("thin", "failed", "output"), finding("thin", "failed"), finding("thin", "same", "costs"))
    assert found.text == "1 network: 1 FAILED"


def test_what_is_allowed_is_counted_apart() -> None:
    found = headline(
        finding("thin", "changed", "output", allowed=True),
        finding("thin", "same"),
        finding("wide", "changed", "output"),
        finding("deep", "same"),
    )
    assert (found.outcomes, found.allowed) == ({"changed": 1, "same": 1}, {"changed": 1})
    assert found.text == "3 networks: 1 CHANGED, 1 changed (allowed), 1 same"


@pytest.mark.parametrize(("subject", "text"), [("time", "1 network: 1 same"), ("costs", "1 network: 1 same costs")])
def test_no_time_is_not_called_the_same(subject: Subject, text: str) -> None:
    assert headline(finding("thin", "same", subject)).text == text


def timed(network: str, outcome: Outcome, detectable: float) -> Finding:
    return replace(finding(network, outcome), detectable=detectable)


def test_the_largest_detectable_slowdown_of_what_passed_is_told() -> None:
    times = [timed("thin", "same", 1.012), timed("wide", "inconclusive", 1.088), timed("deep", "slower", 1.2)]
    found = headline(*times, timed("flat", "faster", 1.3))
    assert found.detectable == 1.088
    assert found.text.endswith("1 inconclusive, 1 faster, 1 same; minimum detectable slowdown 8.8 % (in tower/wide)")
    assert headline(timed("deep", "slower", 1.2)).detectable is None


def test_a_slowdown_far_beyond_the_interval_is_told_why() -> None:
    """The table shows an interval of half a per cent, and the headline 5.9 %."""
    coarse = replace(timed("wide", "same", 1.059), change=Interval(1.001, 0.997, 1.005))
    found = headline(timed("thin", "same", 1.012), coarse)
    assert found.text.endswith("slowdown 5.9 % (in tower/wide, where single launches were far off)")
    near = replace(coarse, change=Interval(1.0, 0.97, 1.03))
    assert headline(timed("thin", "same", 1.012), near).text.endswith("slowdown 5.9 % (in tower/wide)")


def test_the_networks_above_the_limit_are_named() -> None:
    times = [timed("thin", "same", 1.012), timed("wide", "inconclusive", 1.088)]
    found = headline_of(times, 0.05)
    assert found.above == {"tower/wide": 1.088}
    assert found.text.endswith(
        "minimum detectable slowdown 8.8 %, NOT MEASURED well enough for --fail-if-mde-above 5.0 %: tower/wide (8.8 %)"
    )
    assert headline_of(times, 0.088).above == {}


def test_nothing_is_nothing() -> None:
    assert headline().text == "nothing was looked at"
