from dataclasses import replace
from typing import Any

import pytest

from benchcli.noise.fitness import Probe, grade, probe
from benchcli.reports.advice import sentence
from benchcli.schema.environment import Machine
from benchcli.schema.warnings import RunWarning
from benchcli.system.machine import clock_steps
from tests.values import conditions

CALM = Probe(conditions(), (), 1000, 0.005, 0.001, 4e-8, 0)
PLAIN = Machine(virtualised=False, governor="performance", turbo=False, cores=8)


def test_a_machine_at_rest_is_good() -> None:
    assert grade(PLAIN, CALM, 1).word == "good"
    assert grade(PLAIN, CALM, 1).findings == ()


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"conditions": conditions(busy_cores=1.5)}, RunWarning("busy", 1.5, launches=1, of_launches=1)),
        ({"spread": 0.08}, RunWarning("spread", 0.08)),
        ({"slow": 0.2}, RunWarning("held-up", 0.2)),
        ({"resolution_s": 15e-6}, RunWarning("clock-steps", 15e-6, other=0)),
        ({"steps_back": 3}, RunWarning("clock-steps", 4e-8, other=3)),
    ],
)
def test_what_disturbs_now_makes_it_poor(changes: dict[str, Any], finding: RunWarning) -> None:
    found = grade(PLAIN, replace(CALM, **changes), 1)
    assert found.word == "poor"
    assert found.findings == (finding,)


@pytest.mark.parametrize(
    ("facts", "finding"),
    [
        ({"virtualised": True}, RunWarning("virtualised")),
        ({"cpu_quota": 0.1}, RunWarning("small-quota", 0.1)),
        ({"governor": "powersave"}, RunWarning("governor", text="powersave")),
        ({"turbo": True}, RunWarning("turbo")),
        ({"cores": 1}, RunWarning("one-core")),
    ],
)
def test_what_limits_it_always_makes_it_fair(facts: dict[str, Any], finding: RunWarning) -> None:
    found = grade(replace(PLAIN, **facts), CALM, 1)
    assert found.word == "fair"
    assert found.findings == (finding,)
    assert sentence(finding)


def test_what_cannot_be_seen_is_said() -> None:
    assert grade(PLAIN, replace(CALM, unseen=("steal_s",)), 1).findings == (RunWarning("unseen", text="steal_s"),)
    assert grade(Machine(), CALM, 1).findings == (RunWarning("unseen", text="governor, turbo"),)


def test_the_probe_works_and_watches() -> None:
    seen = probe(seconds=0.05)
    assert seen.pieces >= 20
    assert seen.spread >= 0
    assert 0 <= seen.slow <= 1
    assert seen.conditions.wall_s > 0
    assert seen.conditions.call_overhead_s > 0


def test_the_clocks_steps_are_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    readings = iter([0, 100, 100, 300, 250, 1000])
    monkeypatch.setattr("time.perf_counter_ns", lambda: next(readings))
    assert clock_steps(6) == (1e-7, 1)
    monkeypatch.setattr("time.perf_counter_ns", lambda: 5)
    assert clock_steps(6) == (float("inf"), 0)
