"""Warm up and sample variants in rounds, in an order that favours none."""

import gc
import math
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from time import perf_counter
from typing import TYPE_CHECKING, Any, TypeVar

from benchcli.backends.devices.base import Device, Elapsed
from benchcli.schema import PARTS, Exclusion, Key, Sample
from benchcli.schema.protocol import Task
from benchcli.system.counters import Usage, preempted, usage

if TYPE_CHECKING:
    from benchcli.sampling.bench import Bench

SAMPLE_S = 5e-3
"""Shortest timed length of a sample, unless the clock's resolution requires more."""
CLOCK_TICKS = 1000
"""Shortest timed length of a sample, in clock ticks."""
MOST_CALLS = 100_000
"""Most calls in a sample. Without this bound a stopped clock would require endless calls."""
LONGEST_S = 0.3
"""Longest wall time of a sample, untimed parts included. A longer one gets fewer calls."""
WARM_UP_ROUNDS = (2, 12)
"""Fewest and most warm-up rounds."""
LONG_S = 1.0
"""After this time one Latin square is enough: further launches add more evidence than rounds."""
MOST_IN_SQUARE = 12
"""The most variants whose rounds are completed to a Latin square."""
SETTLED = 0.03
"""The warm-up has settled when a round beats the fastest one so far by at most this share."""
CLOCK_TRIES = 5
"""Attempts per sample while the clock reads no time or less.

A clock that jumps back fails once; a stopped clock fails every time.
"""

Announce = Callable[[Key], None]
Name = TypeVar("Name")


def sample_rounds(
    benches: Mapping[Key, "Bench"], calls: Mapping[Key, int], task: Task, rng: random.Random, announce: Announce
) -> Iterator[tuple[Key, Sample]]:
    """Yield one sample of each variant per round; `calls` gives the calls per sample.

    `announce` gets the name of each variant before it runs. Sampling ends after a complete Latin
    square, in which every variant had every position, or earlier at the time limit. Many variants
    have no square to complete: their positions are drawn anew in each launch, of which there are more.
    """
    start = perf_counter()
    for number, order in enumerate(orders(list(benches), rng)):
        elapsed = perf_counter() - start
        sampled = (elapsed >= task.seconds and number >= task.rounds) or elapsed >= LONG_S
        balanced = number % len(benches) == 0 if len(benches) <= MOST_IN_SQUARE else number >= task.rounds
        if (sampled and balanced) or elapsed >= task.most_seconds:
            return
        for key in order:
            announce(key)
            yield key, take_sample(benches[key], key[1], calls[key], task.launch, number)


@contextmanager
def no_collection() -> Iterator[None]:
    """Switch Python's garbage collector off during the block."""
    gc.collect()
    gc.disable()
    try:
        yield
    finally:
        gc.enable()


def warm_up(
    benches: Mapping[Key, "Bench"], task: Task, device: Device, rng: random.Random, announce: Announce
) -> dict[Key, int]:
    """Run rounds until they have no page faults and get no faster.

    Returns the calls per sample of each variant.
    """
    calls = dict.fromkeys(benches, 1)
    fastest, start = math.inf, perf_counter()
    walls: dict[Key, float] = {}
    least, most = WARM_UP_ROUNDS
    for number, order in enumerate(orders(list(benches), rng), 1):
        samples: dict[Key, Sample] = {}
        for key in order:
            announce(key)
            begin = perf_counter()
            samples[key] = take_sample(benches[key], key[1], calls[key], 0, number)
            walls[key] = (perf_counter() - begin) / (calls[key] + 1)
        calls = {
            key: calls_per_sample(sample.seconds, device.resolution_s, walls[key]) for key, sample in samples.items()
        }
        total = sum(sample.seconds for sample in samples.values())
        calm = all(not sample.faults for sample in samples.values()) and total > fastest * (1 - SETTLED)
        fastest = min(fastest, total)
        elapsed = perf_counter() - start
        settled = number >= most or (calm and number >= least)
        if elapsed >= task.most_seconds or (settled and elapsed >= device.warm_up_s):
            break
    return calls


def calls_per_sample(call_s: float, resolution_s: float, wall_s: float = 0.0) -> int:
    """Return how many calls make a sample much longer than the clock's resolution, within bounds.

    `wall_s` is the wall time of a call, untimed parts included. A cache flush takes longer than the
    call itself.
    """
    wanted = math.ceil(max(SAMPLE_S, CLOCK_TICKS * resolution_s) / max(call_s, 1e-9))
    affordable = int(LONGEST_S / wall_s) if wall_s * wanted > LONGEST_S and wall_s > 2 * call_s else wanted
    return max(1, min(MOST_CALLS, wanted, affordable))


def take_sample(bench: "Bench", variant: str, calls: int, launch: int, number: int) -> Sample:
    """Time `calls` calls, after one untimed call that loads the variant's data into the caches.

    If the clock reads no time, take the sample again and mark it with the exclusion "clock". Raises
    RuntimeError after CLOCK_TRIES failed attempts. If the core was slow at the end, take it again too,
    as long as the launch's patience lasts.
    """
    pace, attempt = bench.pace, 0
    while attempt < CLOCK_TRIES:
        begun_s, first_s = perf_counter(), pace.look_for_usual()
        bench.enter()
        bench.lead()
        bench.end_forks()
        before = usage()
        elapsed = bench.timer(calls)
        after = usage()
        bench.end_forks()
        if elapsed.seconds <= 0:
            attempt += 1
            continue
        pace_s = max((each for each in (first_s, pace.read()) if each is not None), default=None)
        if pace.is_slow(pace_s) and pace.is_patient:
            pace.waited_s += perf_counter() - begun_s
            continue
        sample = Sample(
            variant,
            launch,
            number,
            calls,
            elapsed.seconds / calls,
            _faults(before, after, calls),
            host_seconds=None if elapsed.host_seconds is None else elapsed.host_seconds / calls,
            pace_s=pace_s,
            **_parts(elapsed, calls),
        )
        excluded = _exclusion(before, after, bench.throttled(), sample.is_of_host)
        return replace(sample, excluded="clock" if attempt else excluded)
    raise RuntimeError(f"the clock did not move during {calls} calls")


def _parts(elapsed: Elapsed, calls: int) -> dict[str, Any]:
    """Return the seconds per call of a training step's parts, by the names of their fields."""
    return {f"{name}_s": seconds / calls for name, seconds in zip(PARTS, elapsed.parts or (), strict=False)}


def _faults(before: Usage | None, after: Usage | None, calls: int) -> float | None:
    return None if before is None or after is None else (after.minor_faults - before.minor_faults) / calls


def _exclusion(before: Usage | None, after: Usage | None, throttled: bool, is_of_host: bool) -> Exclusion | None:
    if throttled:
        return "throttled"
    if is_of_host and preempted(before, after):
        return "preempted"
    return None


def orders(names: Sequence[Name], rng: random.Random) -> Iterator[list[Name]]:
    """Yield one order per round, without end: cyclic Latin squares, each of a new shuffle.

    Within a square every variant takes every position once, so that an effect of the position on
    the time is the same for all variants.
    """
    while True:
        base = list(names)
        rng.shuffle(base)
        starts = list(range(len(base)))
        rng.shuffle(starts)
        yield from (base[start:] + base[:start] for start in starts)
