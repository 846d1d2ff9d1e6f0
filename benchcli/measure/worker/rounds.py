"""In a worker: sample the variants of one family in rounds, after a warm-up."""

import gc
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from benchcli.backends.devices.base import Device
from benchcli.measure.latin_square import orders
from benchcli.measure.protocol import Task
from benchcli.measure.worker.bench import Bench
from benchcli.schema import Exclusion, Sample
from benchcli.system.counters import Usage, usage

SAMPLE_S = 5e-3
"""Least length of a sample, where the clock does not ask for more."""
CLOCK_TICKS = 1000
"""Least length of a sample in ticks of the clock."""
MOST_CALLS = 100_000
"""However short a call is said to be: a clock that stands still must not ask for calls without end."""
LONGEST_S = 0.3
"""A sample that takes longer, with all that is not timed of it, has fewer calls; one, at the least."""
WARM_UP_ROUNDS = (2, 12)
"""Least and most rounds of warm-up."""
LONG_S = 1.0
"""After so long one square is enough: launches are the better evidence."""
SETTLED = 0.03
"""A round that is not faster than the fastest so far by more than this is settled."""
CLOCK_TRIES = 5
"""So often in a row a sample may read nothing, or less: a clock that jumps back is not one that stands still."""

Announce = Callable[[str], None]


def sample_rounds(
    benches: Mapping[str, Bench], calls: Mapping[str, int], task: Task, rng: random.Random, announce: Announce
) -> Iterator[Sample]:
    """Yield samples of so many calls, round by round; `announce` is told of each variant before it runs.

    It ends with a whole square, in which every variant had every place, unless time is up before.
    """
    start = time.perf_counter()
    for number, order in enumerate(orders(list(benches), rng)):
        elapsed = time.perf_counter() - start
        sampled = (elapsed >= task.seconds and number >= task.rounds) or elapsed >= LONG_S
        enough = sampled and number % len(benches) == 0
        if enough or elapsed >= task.most_seconds:
            return
        for variant in order:
            announce(variant)
            yield take_sample(benches[variant], variant, calls[variant], task.launch, number)


@contextmanager
def no_collection() -> Iterator[None]:
    """Keep Python's garbage collector out of the samples."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def warm_up(
    benches: Mapping[str, Bench], task: Task, device: Device, rng: random.Random, announce: Announce
) -> dict[str, int]:
    """Run rounds until they neither fault nor get faster; return the calls per sample of each variant."""
    calls = dict.fromkeys(benches, 1)
    fastest, start = math.inf, time.perf_counter()
    walls: dict[str, float] = {}
    least, most = WARM_UP_ROUNDS
    for number, order in enumerate(orders(list(benches), rng), 1):
        samples = []
        for variant in order:
            announce(variant)
            begin = time.perf_counter()
            samples.append(take_sample(benches[variant], variant, calls[variant], 0, number))
            walls[variant] = (time.perf_counter() - begin) / (calls[variant] + 1)
        calls = {
            sample.variant: calls_per_sample(sample.seconds, device.resolution_s, walls[sample.variant])
            for sample in samples
        }
        total = sum(sample.seconds for sample in samples)
        calm = all(not sample.faults for sample in samples) and total > fastest * (1 - SETTLED)
        fastest = min(fastest, total)
        elapsed = time.perf_counter() - start
        settled = number >= most or (calm and number >= least)
        if elapsed >= task.most_seconds or (settled and elapsed >= device.warm_up_s):
            break
    return calls


def calls_per_sample(call_s: float, resolution_s: float, wall_s: float = 0.0) -> int:
    """Return how many calls make a sample long against the clock's resolution, within a bound.

    `wall_s` is what a call takes with all that is not timed of it: the flush of the caches is the longer part.
    """
    wanted = math.ceil(max(SAMPLE_S, CLOCK_TICKS * resolution_s) / max(call_s, 1e-9))
    bearable = int(LONGEST_S / wall_s) if wall_s * wanted > LONGEST_S and wall_s > 2 * call_s else wanted
    return max(1, min(MOST_CALLS, wanted, bearable))


def take_sample(bench: Bench, variant: str, calls: int, launch: int, number: int) -> Sample:
    """Time so many calls, after one untimed call that brings the variant's data back into the caches.

    A sample that the clock makes nothing of is taken again, and says so. Raises RuntimeError where that does not help.
    """
    for attempt in range(CLOCK_TRIES):
        bench.timer(1)
        before = usage()
        elapsed = bench.timer(calls)
        after = usage()
        if elapsed.seconds > 0:
            return Sample(
                variant,
                launch,
                number,
                calls,
                elapsed.seconds / calls,
                _faults(before, after, calls),
                "clock" if attempt else _exclusion(before, after, bench.throttled()),
                None if elapsed.host_seconds is None else elapsed.host_seconds / calls,
            )
    raise RuntimeError(f"the clock did not move during {calls} calls")


def _faults(before: Usage | None, after: Usage | None, calls: int) -> float | None:
    return None if before is None or after is None else (after.minor_faults - before.minor_faults) / calls


def _exclusion(before: Usage | None, after: Usage | None, throttled: bool) -> Exclusion | None:
    if throttled:
        return "throttled"
    if before and after and after.involuntary_switches > before.involuntary_switches:
        return "preempted"
    return None
