"""In a worker: build everything, make it warm, and then take the samples that are asked for, one by one.

It is how workers of different interpreters are sampled in turn: while one of them works, the others wait for a line.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.measure.overhead import call_overhead_s
from benchcli.measure.protocol import Failed, Question, Ready, Sampled, Started, Task, Waiting, Watched, decode_question
from benchcli.measure.worker.bench import Bench, failure
from benchcli.measure.worker.layout import shift_heap
from benchcli.measure.worker.rounds import no_collection, take_sample, warm_up
from benchcli.measure.worker.sample import Send, build, throttle_of
from benchcli.system.counters import between, look

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
