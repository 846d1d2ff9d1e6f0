"""What a check's findings make together: their order, and the exit code."""

from dataclasses import replace

from benchcli.checks.findings import Finding, Outcome, Subject, describe, exit_code, ordered
from benchcli.checks.rules import Judgement
from benchcli.errors import FINE, NOT_MEASURED, REGRESSION
from benchcli.reports.views.check_page import _verdict
from benchcli.schema import Interval


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


def test_a_time_that_could_hide_a_slowdown_is_open_if_that_is_asked_for() -> None:
    for outcome, code in (("same", NOT_MEASURED), ("inconclusive", NOT_MEASURED), ("faster", FINE)):
        time = replace(finding(outcome), detectable=1.06)  # type: ignore[arg-type]
        assert exit_code([time], strict=False) == FINE
        assert exit_code([time], strict=False, most_detectable=0.06) == FINE
        assert exit_code([time], strict=False, most_detectable=0.05) == code
        assert exit_code([time, finding("slower")], strict=False, most_detectable=0.05) == REGRESSION


def test_an_inconclusive_time_whose_interval_seems_to_decide_says_why_it_does_not() -> None:
    within = Judgement("inconclusive", Interval(1.001, 0.995, 1.007), 1.01, 1.0, 1.02, 6, 4)
    assert "but the interval of 98.5 % is not, which this many launches ask for before" in describe(within, 0.01)
    assert "same only after 3, 6, 9, 12, 18, 27, 40 or 60 launches" in describe(replace(within, launches=7), 0.01)
    beyond = replace(within, change=Interval(1.03, 1.02, 1.04))
    said = "the estimate is beyond the threshold, but single launches differ too much for the certainty that a check"
    assert said in describe(beyond, 0.01)
    assert "but there are too few launches for the certainty" in describe(replace(beyond, launches=3), 0.01)
    plain = describe(replace(within, change=Interval(1.005, 0.99, 1.02)), 0.01)
    assert "within the threshold" not in plain
    assert "beyond the threshold" not in plain
    assert "within the threshold" not in describe(replace(within, outcome="same"), 0.01)


def test_a_slowdown_that_could_pass_far_beyond_the_interval_has_a_reason() -> None:
    near = Judgement("same", Interval(1.001, 0.995, 1.007), 1.01, 1.0, 1.02, 6, 4)
    said = "minimum detectable slowdown 33.0 %, as single launches were far off: the interval is of those in the middle"
    assert said in describe(replace(near, detectable=1.33), 0.01)
    assert "far off" not in describe(near, 0.01)
    assert "far off" not in describe(replace(near, detectable=1.33, change=Interval(1.0)), 0.01)


def test_why_a_mean_is_slower_is_told() -> None:
    open_ = Judgement("slower", Interval(1.078, 0.99, 1.129), 1.01, 1.0, 1.02, 6, 4)
    beyond, alike = (
        describe(replace(open_, mean=each), 0.01) for each in (Interval(1.3, 1.2, 1.4), Interval(1.08, 1.06, 1.1))
    )
    assert "the mean +30.0 % (+20.0 to +40.0 %): some calls take far longer than the median" in beyond
    assert "the mean +8.0 % (+6.0 to +10.0 %), which is more certain than the median" in alike


def test_a_raised_threshold_is_told_beside_the_outcome() -> None:
    judgement = Judgement("same", Interval(1.001, 0.999, 1.003), 1.088, 1.043, 1.09, 12, 7)
    raised, plain = (
        describe(each, 0.01) for each in (judgement, replace(judgement, threshold=1.01, noise=1.0, detectable=1.01))
    )
    assert "threshold 8.8 % (raised: two runs of base differed); minimum detectable slowdown 9.0 %" in raised
    assert "raised" not in plain
    times = [
        replace(finding("same"), judgement=each, change=each.change)
        for each in (judgement, replace(judgement, threshold=1.01))
    ]
    shown, unraised = (_verdict([each], 0.01) for each in times)
    assert (shown, unraised) == ("✓ same (threshold raised to 8.8 %)", "✓ same")
    hardly = replace(judgement, threshold=1.01032)  # both read 1.0 %
    assert "raised" not in describe(hardly, 0.01)


def test_launches_that_count_for_nothing_are_said() -> None:
    judgement = Judgement("inconclusive", Interval(1.001, 0.976, 1.01), 1.01, 1.0, 1.02, 30, 20)
    assert "20 of 30 launches agree in direction, threshold" in describe(judgement, 0.01)
    said = "20 of 30 launches agree in direction (3 more were on a slow core throughout), threshold"
    assert said in describe(replace(judgement, left_out=3), 0.01)


def test_what_fails_comes_first() -> None:
    mixed = [finding("same"), finding("costlier", "costs", allowed=True), finding("inconclusive"), finding("slower")]
    assert [each.outcome for each in ordered(mixed)] == ["slower", "inconclusive", "costlier", "same"]
