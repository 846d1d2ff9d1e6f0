"""In a worker: sample the variants of one family in rounds, after a warm-up."""

import gc
import math
import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager

from benchcli.devices.base import Device
from benchcli.measure.bench import Bench
from benchcli.measure.faults import minor_faults
from benchcli.measure.protocol import Task
from benchcli.measure.schedule import orders
from benchcli.schema import Sample

SAMPLE_S = 5e-3
"""Least length of a sample, where the clock does not ask for more."""
CLOCK_TICKS = 1000
"""Least length of a sample in ticks of the clock."""
MOST_CALLS = 100_000
"""However short a call is said to be: a clock that stands still must not ask for calls without end."""
WARM_UP_ROUNDS = (2, 12)
"""Least and most rounds of warm-up."""
SETTLED = 0.03
"""A round that is not faster than the fastest so far by more than this is settled."""

Announce = Callable[[str], None]


def sample_family(
    benches: Mapping[str, Bench], task: Task, device: Device, rng: random.Random, announce: Announce
) -> Iterator[Sample]:
    """Yield samples round by round; `announce` is told of each variant before it runs."""
    with _no_collection():
        calls = warm_up(benches, task, device, rng, announce)
        start = time.perf_counter()
        for number, order in enumerate(orders(list(benches), rng)):
            elapsed = time.perf_counter() - start
            if elapsed >= task.most_seconds or (elapsed >= task.seconds and number >= task.rounds):
                return
            for variant in order:
                announce(variant)
                yield take_sample(benches[variant], variant, calls[variant], task.launch, number)


def warm_up(
    benches: Mapping[str, Bench], task: Task, device: Device, rng: random.Random, announce: Announce
) -> dict[str, int]:
    """Run rounds until they neither fault nor get faster; return the calls per sample of each variant."""
    calls = dict.fromkeys(benches, 1)
    fastest, start = math.inf, time.perf_counter()
    least, most = WARM_UP_ROUNDS
    for number, order in enumerate(orders(list(benches), rng), 1):
        samples = []
        for variant in order:
            announce(variant)
            samples.append(take_sample(benches[variant], variant, calls[variant], 0, number))
        calls = {sample.variant: calls_per_sample(sample.seconds, device.resolution_s) for sample in samples}
        total = sum(sample.seconds for sample in samples)
        calm = all(not sample.faults for sample in samples) and total > fastest * (1 - SETTLED)
        fastest = min(fastest, total)
        elapsed = time.perf_counter() - start
        settled = number >= most or (calm and number >= least)
        if elapsed >= task.most_seconds or (settled and elapsed >= device.warm_up_s):
            break
    return calls


def calls_per_sample(call_s: float, resolution_s: float) -> int:
    """Return how many calls make a sample long against the clock's resolution, within a bound."""
    return min(MOST_CALLS, max(1, math.ceil(max(SAMPLE_S, CLOCK_TICKS * resolution_s) / max(call_s, 1e-9))))


def take_sample(bench: Bench, variant: str, calls: int, launch: int, number: int) -> Sample:
    """Time so many calls, after one untimed call that brings the variant's data back into the caches."""
    bench.timer(1)
    before = minor_faults()
    seconds = bench.timer(calls)
    after = minor_faults()
    if seconds <= 0:
        raise RuntimeError(f"the clock did not move during {calls} calls")
    faults = None if before is None or after is None else (after - before) / calls
    return Sample(variant, launch, number, calls, seconds / calls, faults)


@contextmanager
def _no_collection() -> Iterator[None]:
    """Keep Python's garbage collector out of the samples."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
