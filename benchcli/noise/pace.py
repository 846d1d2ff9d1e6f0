"""The pace of the core: the seconds of a fixed piece of work, right before and after each sample.

A neighbour on the same physical core, such as another virtual machine on its second hardware thread,
takes a third of the core's speed for milliseconds or for minutes. No counter of the system tells: the
process is not preempted, and nothing is stolen. A piece of arithmetic that fits the core's first
cache does tell, because it takes as long as always unless something else uses the core, or its clock
fell. It is the same for all networks: what it excludes does not depend on what is measured.
"""

import math
import os
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from statistics import quantiles
from time import perf_counter

from benchcli.schema import SLOW_CORE, Sample
from benchcli.system.counters import preempted, usage

SLOW = 1.25
"""The least pace, in usual ones, of a slow core. Neighbours take it to 1.5 and beyond."""
USUAL = 10
"""The percentile of a run's paces that is its usual pace: some samples of each run have a core of their own."""
PATIENCE_S = 1.0
"""The longest time, in all, for which one launch looks for a core at its usual pace, and repeats samples."""

PATIENCE_SHARE = 1 / 3
"""That time as a share of the most seconds for which the launch samples: it waits less than it measures."""


def _stay() -> None:
    """Stay on the core."""


@dataclass
class Pace:
    """Reads the pace, and looks for a core that is at its usual one before a sample."""

    work: Callable[[], float] | None = None
    """Does the piece of work and returns its seconds; None on a device that does not work on a core."""
    move: Callable[[], object] = _stay
    """Moves this thread to another core, which has other neighbours."""
    usual_s: float = math.inf
    """The usual pace as far as this process knows it: the fastest reading."""
    waited_s: float = 0.0
    """Seconds spent so far on looking for another core, and on samples that were repeated."""
    patience_s: float = PATIENCE_S
    """The most of these seconds."""
    gave_up: int = 0
    """How often `usual_seconds` returned disturbed times, because there were no others."""

    @property
    def is_patient(self) -> bool:
        """Whether it may still wait."""
        return self.waited_s < self.patience_s

    def read(self) -> float | None:
        """Return the seconds of the piece of work now; None where there is none."""
        if self.work is None:
            return None
        seconds = self.work()
        self.usual_s = min(self.usual_s, seconds)
        return seconds

    def is_slow(self, seconds: float | None) -> bool:
        """Return whether a reading is that of a slow core, as far as this process knows."""
        return seconds is not None and seconds > SLOW * self.usual_s

    def usual_seconds(self, count: int, take: Callable[[], float]) -> list[float]:
        """Return so many times that were taken at the usual pace, while no other work took the core.

        Once patience is used up they are fewer, or disturbed ones.
        """
        usual: list[float] = []
        disturbed: list[float] = []
        while len(usual) < count and (self.is_patient or len(usual) + len(disturbed) < count):
            begun_s, first_s = perf_counter(), self.look_for_usual()
            before = usage()
            seconds = take()
            was_preempted = preempted(before, usage())
            if was_preempted or self.is_slow(first_s) or self.is_slow(self.read()):
                self.waited_s += perf_counter() - begun_s
                disturbed.append(seconds)
            else:
                usual.append(seconds)
        self.gave_up += not usual
        return usual or disturbed

    def look_for_usual(self) -> float | None:
        """Return the pace once it is the usual one, here or on another core, or once patience is used up."""
        while self.is_slow(seconds := self.read()) and self.is_patient:
            begun_s = perf_counter()
            self.move()
            self.waited_s += perf_counter() - begun_s + (seconds or 0.0)
        return seconds


@dataclass
class Cores:
    """The cores that a thread may use, one after the other."""

    turn: int = 0
    """Which of them had its turn last."""
    usable: list[int] = field(init=False)

    def __post_init__(self) -> None:
        self.usable = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []

    def move(self) -> None:
        """Let the system move this thread to the next core. It may move it on later, as always."""
        if len(self.usable) > 1:
            self.turn += 1
            os.sched_setaffinity(0, {self.usable[self.turn % len(self.usable)]})
            os.sched_setaffinity(0, self.usable)


def usual(samples: Iterable[Sample]) -> float | None:
    """Return the usual pace of a run in seconds; None if no sample has one."""
    paces = [sample.pace_s for sample in samples if sample.pace_s is not None]
    if len(paces) < 2:
        return paces[0] if paces else None
    return quantiles(paces, n=100, method="inclusive")[USUAL - 1]


def marked(samples: Sequence[Sample], usual_s: float | None) -> list[Sample]:
    """Return samples with the exclusion of those that were taken on a slow core."""
    limit_s = math.inf if usual_s is None else SLOW * usual_s
    return [
        replace(each, excluded=SLOW_CORE)
        if each.excluded is None and each.pace_s is not None and each.pace_s > limit_s
        else each
        for each in samples
    ]
