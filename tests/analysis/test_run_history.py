"""The history of networks through runs of one suite."""

from dataclasses import replace
from pathlib import Path

from benchcli.analysis.run_history import history, started
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import FamilyResult, Interval, Timing
from benchcli.schema.environment import Environment
from tests.values import family, record, variant

FAMILY = family(variant("g=1"))


def run(seconds: float | None, started: str = "") -> SuiteRun:
    own = record(FAMILY, "g=1", None)
    interval = Interval(seconds, seconds * 0.99, seconds * 1.01) if seconds else None
    timed = replace(own, timing=Timing(interval, None, 6, 60, 0.0) if interval else None)
    return SuiteRun(Environment("run", started), (FamilyResult(FAMILY, (timed,), ()),), Path(started), None)


def test_a_change_is_relative_to_the_run_before_that_has_a_time() -> None:
    moments = history([run(1.0), run(None), run(1.2), run(1.2)])["g2-x1", "g=1"]
    assert [each.has_changed for each in moments] == [False, False, True, False]
    assert moments[2].since_last
    assert moments[2].since_last.estimate == 1.2
    assert moments[3].since_first
    assert moments[3].since_first.estimate == 1.2


def test_a_change_within_the_threshold_or_the_interval_is_none() -> None:
    assert not any(each.has_changed for each in history([run(1.0), run(1.04), run(1.0)])["g2-x1", "g=1"])
    assert not any(each.has_changed for each in history([run(1.0), run(1.06)])["g2-x1", "g=1"])


def test_a_network_that_a_run_lacks_is_left_out_there() -> None:
    empty = SuiteRun(Environment("run", ""), (), Path(), None)
    assert [each.run for each in history([run(1.0), empty, run(1.0)])["g2-x1", "g=1"]] == [0, 2]


def test_runs_are_in_the_order_of_their_start() -> None:
    runs = [run(1.0, "2026-02"), run(1.0, "2026-01"), run(1.0, "")]
    assert [each.environment.started for each in sorted(runs, key=started)] == ["", "2026-01", "2026-02"]
