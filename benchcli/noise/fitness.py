"""Grade how suitable a machine is for measuring, from a short probe.

This module also measures the overhead that the timing loop adds to each call.
"""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import repeat
from statistics import median, quantiles
from typing import Literal

from benchcli.backends.devices.base import DEVICES
from benchcli.noise import pace
from benchcli.noise.diagnosis import of_launches
from benchcli.schema import Conditions, Costs
from benchcli.schema.environment import Machine
from benchcli.schema.warnings import RunWarning
from benchcli.system import counters
from benchcli.system.counters import between, look
from benchcli.system.machine import clock_steps

SECONDS = 1.5
STEPS = 20_000
"""The steps of the loop that is one piece of work: 0.2 to 1 ms of one core's arithmetic, without torch."""
FEWEST = 20
"""The least number of pieces of work in a probe."""


@dataclass(frozen=True)
class Probe:
    """What a probe observed."""

    conditions: Conditions
    unseen: tuple[str, ...]
    """The noise sources that cannot be observed on this machine."""
    pieces: int
    """The number of equal pieces of work."""
    spread: float
    """Median absolute deviation of the pieces' times from their median, as a share of it."""
    slow: float
    """Share of the pieces during which the core was slow: beyond `pace.SLOW` times the usual piece."""
    resolution_s: float
    """The smallest observed step of the clock."""
    steps_back: int
    """How often the clock went backwards."""


def probe(seconds: float = SECONDS) -> Probe:
    """Run equal pieces of work for `seconds`, and observe the machine meanwhile."""
    resolution_s, steps_back = clock_steps()
    start = look()
    times_s: list[float] = []
    while len(times_s) < FEWEST or time.perf_counter() - start.wall_s < seconds:
        begin = time.perf_counter()
        for _ in repeat(None, STEPS):
            pass
        times_s.append(time.perf_counter() - begin)
    end = look()
    middle_s, usual_s = median(times_s), quantiles(times_s, n=100, method="inclusive")[pace.USUAL - 1]
    return Probe(
        conditions=between(0, start, end, call_overhead_s()),
        unseen=counters.unseen(end),
        pieces=len(times_s),
        spread=median(abs(piece_s - middle_s) for piece_s in times_s) / middle_s,
        slow=sum(piece_s > pace.SLOW * usual_s for piece_s in times_s) / len(times_s),
        resolution_s=resolution_s,
        steps_back=steps_back,
    )


SPREAD = 0.03
"""The highest `Probe.spread` of a steady core."""
SLOW = 0.05
"""The highest `Probe.slow` of a core without competing work."""
CLOCK_STEP_S = 1e-5
"""The coarsest acceptable resolution of the clock."""

Word = Literal["good", "fair", "poor"]


@dataclass(frozen=True)
class Grade:
    """A grade and its reasons.

    good: no disturbance; fair: permanent limits, which `findings` names; poor: a disturbance now.
    """

    word: Word
    findings: tuple[RunWarning, ...]
    """The most severe first."""


def grade(machine: Machine, probed: Probe, threads: int) -> Grade:
    """Grade a machine from its facts and a probe."""
    now, always = tuple(_now(probed, threads)), tuple(limits(machine, probed.unseen))
    word: Word = "poor" if now else "fair" if always else "good"
    return Grade(word, now + always)


def grade_of_run(machine: Machine, unseen: Iterable[str], was_disturbed: bool) -> Grade:
    """Grade a machine from its recorded facts, and from whether a run on it was disturbed."""
    always = tuple(limits(machine, unseen))
    return Grade("poor" if was_disturbed else "fair" if always else "good", always)


def _now(probed: Probe, threads: int) -> Iterator[RunWarning]:
    """Yield the warnings about disturbances at the time of the probe."""
    yield from of_launches((probed.conditions,), threads)
    if probed.spread > SPREAD:
        yield RunWarning("spread", round(probed.spread, 2))
    if probed.slow > SLOW:
        yield RunWarning("held-up", round(probed.slow, 2))
    if probed.steps_back or probed.resolution_s > CLOCK_STEP_S:
        yield RunWarning("clock-steps", probed.resolution_s, other=probed.steps_back)


def limits(machine: Machine, unseen: Iterable[str]) -> Iterator[RunWarning]:
    """Yield the warnings about the machine's permanent limits; `unseen` is what cannot be observed on it."""
    if machine.virtualised:
        yield RunWarning("virtualised")
    if machine.cpu_quota is not None and machine.cpu_quota < 1:
        yield RunWarning("small-quota", machine.cpu_quota)
    if machine.governor not in {None, "performance"}:
        yield RunWarning("governor", text=machine.governor or "")
    if machine.turbo:
        yield RunWarning("turbo")
    if machine.cores == 1:
        yield RunWarning("one-core")
    blind = [*unseen, *(name for name in ("governor", "turbo") if getattr(machine, name) is None)]
    if blind:
        yield RunWarning("unseen", text=", ".join(blind))


TRIES, CALLS = 21, 500
NOTHING = Costs(0, 0, 0, 0, 0, 0, 0)


def call_overhead_s() -> float:
    """Return the seconds that the timing loop and the function call add to each call of a sample.

    The two clock readings add one to two times as much, but once per sample, and a sample takes at
    least 5 ms.
    """
    timer = DEVICES["cpu"].timer(lambda: None, NOTHING, 0)  # type: ignore[arg-type,return-value]
    return median(timer(CALLS).seconds for _ in range(TRIES)) / CALLS
