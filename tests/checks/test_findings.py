"""What a check's findings make together: their order, and the exit code."""

from benchcli.checks.findings import Finding, Outcome, Subject, exit_code, ordered
from benchcli.errors import FINE, NOT_MEASURED, REGRESSION


def finding(outcome: Outcome, subject: Subject = "time", allowed: bool = False) -> Finding:
    return Finding("family", "variant", subject, outcome, "text", "module:build", allowed=allowed)


def test_a_regression_comes_before_everything() -> None:
    for outcome in ("slower", "costlier", "changed", "gone", "failed"):
        assert exit_code([finding("same"), finding("unmeasured"), finding(outcome)], strict=False) == REGRESSION


def test_nothing_looked_at_is_never_fine() -> None:
    assert exit_code([], strict=False) == NOT_MEASURED
    assert exit_code([finding("same"), finding("unmeasured")], strict=False) == NOT_MEASURED


def test_inconclusive_is_open_where_the_check_is_strict() -> None:
    assert exit_code([finding("inconclusive"), finding("same")], strict=False) == FINE
    assert exit_code([finding("inconclusive"), finding("same")], strict=True) == NOT_MEASURED


def test_what_is_allowed_does_not_fail() -> None:
    assert exit_code([finding("costlier", "costs", allowed=True), finding("same")], strict=True) == FINE


def test_news_and_improvements_are_fine() -> None:
    assert exit_code([finding("new", "network"), finding("faster"), finding("cheaper", "costs")], strict=True) == FINE


def test_news_alone_are_nothing_that_was_compared() -> None:
    assert exit_code([finding("new", "network")], strict=False) == NOT_MEASURED
    assert exit_code([finding("new", "network", allowed=True)], strict=False) == NOT_MEASURED
    assert exit_code([finding("gone", "network", allowed=True)], strict=False) == NOT_MEASURED


def test_what_fails_comes_first() -> None:
    mixed = [finding("same"), finding("costlier", "costs", allowed=True), finding("inconclusive"), finding("slower")]
    assert [each.outcome for each in ordered(mixed)] == ["slower", "inconclusive", "costlier", "same"]
