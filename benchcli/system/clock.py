"""What the clock that times the CPU can tell apart."""

import time
from itertools import pairwise

READS = 2000


def clock_steps(reads: int = READS) -> tuple[float, int]:
    """Return the least step forward that the clock was seen to make, in seconds, and how often it stepped back.

    The resolution that the system tells is the unit of the number, not the step: a clock told to have 1 ns may move
    by 50 ns, or by a millisecond.
    """
    steps = [later - earlier for earlier, later in pairwise([time.perf_counter_ns() for _ in range(reads)])]
    forward = [step for step in steps if step > 0]
    return (min(forward) / 1e9 if forward else float("inf")), sum(step < 0 for step in steps)
