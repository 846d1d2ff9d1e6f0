"""In a measured process: build the variants of each family and sample them.

`launch` samples in rounds by itself. `serve` makes everything ready and then takes the samples
that it is asked for, one by one: so processes of different interpreters are sampled in turn, and
while one of them works, the others wait.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.measure.fitness import call_overhead_s
from benchcli.measure.protocol import (
    Event,
    Failed,
    Question,
    Ready,
    Sampled,
    Started,
    Task,
    Waiting,
    Watched,
    decode_question,
)
from benchcli.measure.worker import code_versions
from benchcli.measure.worker.bench import HARMLESS, Bench, Setting, Throttle, failure, prepare, shift_apart, shift_heap
from benchcli.measure.worker.rounds import no_collection, sample_rounds, take_sample, warm_up
from benchcli.schema import Family
from benchcli.system.counters import between, look

Send = Callable[[Event], None]


def launch(task: Task, send: Send) -> None:
    """Measure one family after the other."""
    rng = random.Random(task.seed)  # noqa: S311
    kept = [shift_heap(rng)]
    for family in task.families:
        throttle = throttle_of(task)
        benches = build(family, task, throttle, kept, rng, send)
        if versions(task) > 1:
            code_versions.hide()
        if benches:
            _sample(family, benches, task, throttle, rng, send)


def versions(task: Task) -> int:
    """Return how many versions of somebody's code one worker is to hold."""
    return len({variant.source for family in task.families for variant in family.variants if variant.source})


def throttle_of(task: Task) -> Throttle:
    """Return what asks the device whether its clock is held down."""
    kind, index = split_name(task.target.device)
    return Throttle(DEVICES[kind], index)


def build(
    family: Family, task: Task, throttle: Throttle, kept: list[bytearray], rng: random.Random, send: Send
) -> dict[str, Bench]:
    """Return the variants of a family that can be built; say of the others why not.

    What is built first fills the holes in the heap and lies on small pages: it is a little slower for it, and so the
    order is random.
    """
    kind, index = split_name(task.target.device)
    runtime = RUNTIMES[task.target.runtime]
    setting = Setting(DEVICES[kind], index, runtime, task.target.cache, throttle, task.seed, versions(task))
    benches: dict[str, Bench] = {}
    for variant in rng.sample(family.variants, len(family.variants)):
        kept.append(shift_apart(rng))
        send(Started(family.name, variant.name))
        try:
            benches[variant.name] = prepare(variant, family, task.costs[family.name][variant.name], setting)
        except Exception as error:  # a network may raise anything, and costs nobody else anything
            send(Failed(family.name, variant.name, *failure(error)))
            if DEVICES[kind].errors_stick and not isinstance(error, HARMLESS):
                raise
    return benches


def _sample(
    of: Family, benches: Mapping[str, Bench], task: Task, throttle: Throttle, rng: random.Random, send: Send
) -> None:
    """Sample in rounds, watched; what was taken is told at the end, when nothing is timed any more."""
    family, running = of.name, ""

    def announce(name: str) -> None:
        nonlocal running
        running = name
        send(Started(family, name))

    overhead_s = call_overhead_s()
    try:
        with no_collection():
            calls = warm_up(benches, task, DEVICES[split_name(task.target.device)[0]], rng, announce)
            if task.same_calls:
                calls = dict.fromkeys(calls, calls.get(of.baseline, max(calls.values())))
            throttle.forget()
            start = look()
            samples = list(sample_rounds(benches, calls, task, rng, announce))
            conditions = between(task.launch, start, look(), overhead_s)
    except Exception as error:  # after it this process is not to be trusted: it ends, and the launch is made again
        send(Failed(family, running, *failure(error)))
        raise
    for sample in samples:
        send(Sampled(family, sample))
    seen = replace(conditions, clock_hz=throttle.clock_hz, throttle_reasons=throttle.reasons)
    send(Watched(family, seen))


Benches = Mapping[str, Mapping[str, Bench]]


def serve(task: Task, send: Send, hear: Callable[[], str]) -> None:
    """Make every variant ready, say so, and answer questions until the last one."""
    if DEVICES[split_name(task.target.device)[0]].pinned and task.target.threads == 1:
        keep_to_core(task.launch)
    rng = random.Random(task.seed)  # noqa: S311
    kept = [shift_heap(rng)]
    throttle = throttle_of(task)
    benches: Benches = {family.name: build(family, task, throttle, kept, rng, send) for family in task.families}
    overhead_s = call_overhead_s()
    with no_collection():
        for family, ready in benches.items():
            _warm(family, ready, task, rng, send)
        throttle.forget()
        send(Waiting())
        start = look()
        _answer(benches, task, send, hear)
        conditions = between(task.launch, start, look(), overhead_s)
    seen = replace(conditions, clock_hz=throttle.clock_hz, throttle_reasons=throttle.reasons)
    send(Watched("", seen))


def keep_to_core(launch: int) -> None:
    """Let all workers of a launch run on one core, another one in each launch.

    Cores of a shared machine have neighbours of their own: two workers on two of them differ by that, all launch long.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[launch % len(cores)]})


def questions(hear: Callable[[], str]) -> Iterator[Question]:
    """Yield what is asked, up to the last question or to the end of who asks."""
    while (line := hear()) and (question := decode_question(line)):
        yield question


def _warm(family: str, ready: Mapping[str, Bench], task: Task, rng: random.Random, send: Send) -> None:
    if not ready:
        return
    running = ""

    def announce(name: str) -> None:
        nonlocal running
        running = name
        send(Started(family, name))

    try:
        calls = warm_up(ready, task, DEVICES[split_name(task.target.device)[0]], rng, announce)
    except Exception as error:
        send(Failed(family, running, *failure(error)))
        raise
    for variant, number in calls.items():
        send(Ready(family, variant, number))


def _answer(benches: Benches, task: Task, send: Send, hear: Callable[[], str]) -> None:
    for asked in questions(hear):
        bench = benches[asked.family][asked.variant]
        try:
            sample = take_sample(bench, asked.variant, asked.calls, task.launch, asked.round)
        except Exception as error:
            send(Failed(asked.family, asked.variant, *failure(error)))
            raise
        send(Sampled(asked.family, sample))
