import math
import random
from collections.abc import Callable

import pytest

import benchcli
from benchcli.analysis.aa_test import equal
from benchcli.checks.resolution import LAUNCHES, SIDES, resolution
from benchcli.errors import NothingMeasuredError
from benchcli.schema import Key, Plan, Target
from benchcli.schema.protocol import LAUNCH, Conversation, Launcher, Task
from benchcli.workers.tools import Tools
from tests.conftest import inline, slowed


def spread(by: float) -> Launcher:
    """Return what launches in this process; each network's time varies by so much from launch to launch."""

    def launch(task: Task, silence_s: float) -> Conversation:
        def factor_of(key: Key) -> float:
            return math.exp(random.Random(f"{key[0]} {key[1]} {task.launch}").gauss(0.0, by))

        return (yield from slowed(task, silence_s, factor_of))

    return launch


class Clock:
    """Moves by a second at each look."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        self.now += 1.0
        return self.now


def of(launcher: Launcher) -> tuple[float, float]:
    found = resolution(equal(SIDES), Target("fake"), Plan(budget_s=14.0), launcher, Clock())
    return found.half_width, found.detectable


def test_what_a_machine_resolves_follows_from_the_spread_of_its_launches() -> None:
    half_width, detectable = of(spread(0.02))
    # 28 launches of two families fit; head and base vary independently.
    assert half_width == pytest.approx(1.96 * 0.02 * math.sqrt(2) / math.sqrt(28), rel=0.6)
    assert half_width < detectable < 0.2
    assert of(spread(0.0)) == pytest.approx((0.0, 0.01), abs=0.002)
    assert of(spread(0.04))[0] == pytest.approx(2 * half_width, rel=0.1)


def test_networks_that_cannot_be_measured_resolve_nothing() -> None:
    def dying(task: Task, silence_s: float) -> Conversation:
        if task.kind == LAUNCH:
            yield from ()
            return True
        return (yield from inline(task, silence_s))

    with pytest.raises(NothingMeasuredError, match="no trial: no two launches could be compared"):
        resolution(equal(SIDES), Target("fake"), Plan(), dying, Clock())


def test_the_trial_makes_few_launches_of_equal_networks() -> None:
    families = equal(SIDES)
    assert len(families) == 2
    assert {each.params["blocks"] for family in families for each in family.variants} == {20}
    assert LAUNCHES == 6


def test_a_quick_look_at_the_device_leaves_the_trial_out(tools: Callable[[], Tools]) -> None:
    quick = benchcli.device(device="fake", quick=True, tools=tools())
    whole = benchcli.device(device="fake", tools=tools())
    assert quick.resolution is None
    assert whole.resolution
    assert "resolution" not in quick.sections()
    assert whole.sections()["resolution"]["budget_s"] == 14.0
