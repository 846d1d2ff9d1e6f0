"""Look at the machine before anything is measured on it: equal pieces of work, timed and watched for a moment."""

import hashlib
import time
from dataclasses import dataclass
from statistics import median

from benchcli.measure.overhead import call_overhead_s
from benchcli.schema import Conditions
from benchcli.system.clock import clock_steps
from benchcli.system.counters import between, look, unseen

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
