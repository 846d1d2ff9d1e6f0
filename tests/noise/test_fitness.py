from dataclasses import replace
from typing import Any

import pytest

from benchcli.noise.fitness import Probe, grade, probe
from benchcli.reports.advice import sentence
from benchcli.system.machine import clock_steps
from tests.values import conditions

CALM = Probe(conditions(), (), 1000, 0.005, 0.001, 4e-8, 0)
PLAIN = {"virtualised": False, "cpu_quota": None, "governor": "performance", "turbo": False, "cores": 8}


def test_a_machine_at_rest_is_good() -> None:
    assert grade(PLAIN, CALM, 1).word == "good"
    assert grade(PLAIN, CALM, 1).findings == ()


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"conditions": conditions(busy_cores=1.5)}, "busy:1.5 cores in 1 of 1 launches"),
        ({"spread": 0.08}, "spread:8%"),
        ({"slow": 0.2}, "held-up:20%"),
        ({"resolution_s": 15e-6}, "clock-steps:15 µs, 0 times back"),
        ({"steps_back": 3}, "clock-steps:0.04 µs, 3 times back"),
    ],
)
def test_what_disturbs_now_makes_it_poor(changes: dict[str, Any], finding: str) -> None:
    found = grade(PLAIN, replace(CALM, **changes), 1)
    assert found.word == "poor"
    assert found.findings == (finding,)


@pytest.mark.parametrize(
    ("facts", "finding"),
    [
        ({"virtualised": True}, "virtualised"),
        ({"cpu_quota": 0.1}, "small-quota:0.1"),
        ({"governor": "powersave"}, "governor:powersave"),
        ({"turbo": True}, "turbo"),
        ({"cores": 1}, "one-core"),
    ],
)
def test_what_limits_it_always_makes_it_fair(facts: dict[str, Any], finding: str) -> None:
    found = grade({**PLAIN, **facts}, CALM, 1)
    assert found.word == "fair"
    assert found.findings == (finding,)
    assert sentence(finding) != finding


def test_what_cannot_be_seen_is_said() -> None:
    assert grade(PLAIN, replace(CALM, unseen=("steal_s",)), 1).findings == ("unseen:steal_s",)
    assert grade(dict.fromkeys(PLAIN), CALM, 1).findings == ("unseen:governor, turbo",)


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
