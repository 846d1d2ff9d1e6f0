"""How fit a machine is for measuring: probe it for a moment, and grade what was seen.

Also what the timing loop itself adds to each call.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

from benchcli.backends.devices.base import DEVICES
from benchcli.measure.diagnostics import disturbances
from benchcli.schema import Conditions, Costs
from benchcli.system.counters import between, look, unseen
from benchcli.system.machine import clock_steps

SECONDS = 1.5
PIECE = bytes(512 * 1024)
"""What is hashed at a time: half a millisecond or two of arithmetic in one core's cache."""
FEWEST = 20


@dataclass(frozen=True)
class Probe:
    """What was seen in that time."""

    conditions: Conditions
    unseen: tuple[str, ...]
    """What the watch cannot see on this machine."""
    pieces: int
    spread: float
    """Median deviation of the pieces from their median, as a share of it."""
    slow: float
    """Share of the pieces that took half as long again as the median."""
    resolution_s: float
    """The least step that the clock was seen to make."""
    steps_back: int
    """How often the clock went back."""


def probe(seconds: float = SECONDS) -> Probe:
    """Work and watch for so long."""
    resolution_s, steps_back = clock_steps()
    start = look()
    taken: list[float] = []
    while len(taken) < FEWEST or time.perf_counter() - start.wall_s < seconds:
        begin = time.perf_counter()
        hashlib.sha256(PIECE)
        taken.append(time.perf_counter() - begin)
    end = look()
    middle = median(taken)
    return Probe(
        conditions=between(0, start, end, call_overhead_s()),
        unseen=unseen(end),
        pieces=len(taken),
        spread=median(abs(piece - middle) for piece in taken) / middle,
        slow=sum(piece > 1.5 * middle for piece in taken) / len(taken),
        resolution_s=resolution_s,
        steps_back=steps_back,
    )


SPREAD = 0.03
"""Deviation of equal pieces of work from which the core itself is unsteady."""
SLOW = 0.05
"""Share of pieces held up from which something else takes the core."""
CLOCK_STEP_S = 1e-5

Word = Literal["good", "fair", "poor"]


@dataclass(frozen=True)
class Grade:
    """good: nothing disturbs; fair: measure, within limits that are named; poor: something disturbs now."""

    word: Word
    findings: tuple[str, ...]
    """Codes of `benchcli.report.advice`, the gravest first."""


def grade(machine: Mapping[str, Any], seen: Probe, threads: int) -> Grade:
    """Grade a machine from its facts and from what was seen on it."""
    now, always = tuple(_now(seen, threads)), tuple(_always(machine, seen))
    word: Word = "poor" if now else "fair" if always else "good"
    return Grade(word, now + always)


def _now(seen: Probe, threads: int) -> Iterator[str]:
    """Yield what disturbs at this moment."""
    yield from disturbances((seen.conditions,), threads)
    if seen.spread > SPREAD:
        yield f"spread:{seen.spread:.0%}"
    if seen.slow > SLOW:
        yield f"held-up:{seen.slow:.0%}"
    if seen.steps_back or seen.resolution_s > CLOCK_STEP_S:
        yield f"clock-steps:{seen.resolution_s * 1e6:.2g} µs, {seen.steps_back} times back"


def _always(machine: Mapping[str, Any], seen: Probe) -> Iterator[str]:
    """Yield what limits this machine whatever runs on it."""
    if machine.get("virtualised"):
        yield "virtualised"
    quota = machine.get("cpu_quota")
    if quota is not None and quota < 1:
        yield f"small-quota:{quota:.2g}"
    governor = machine.get("governor")
    if governor not in {None, "performance"}:
        yield f"governor:{governor}"
    if machine.get("turbo"):
        yield "turbo"
    if machine.get("cores") == 1:
        yield "one-core"
    blind = [*seen.unseen, *(name for name in ("governor", "turbo") if name in machine and machine[name] is None)]
    if blind:
        yield f"unseen:{', '.join(blind)}"


TRIES, CALLS = 21, 500
NOTHING = Costs(0, 0, 0, 0, 0, 0, 0)


def call_overhead_s() -> float:
    """Return the seconds that the loop and the call add to each call of a sample.

    Both looks at the clock together add as much again or twice, but to a whole sample, which takes 5 ms or more.
    """
    timer = DEVICES["cpu"].timer(lambda: None, NOTHING, 0)  # type: ignore[arg-type,return-value]
    return median(timer(CALLS).seconds for _ in range(TRIES)) / CALLS
