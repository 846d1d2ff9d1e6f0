"""Build and sample the variants of each family in a worker.

`launch` samples in rounds without further orders. `serve` prepares all variants and then takes one
sample per question. The engine can so interleave the samples of several processes, each with its
own interpreter: while one process works, the others wait.
"""

import os
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from time import perf_counter

from benchcli import formatting
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.guards import code_versions
from benchcli.guards.outputs import WrongOutputError
from benchcli.noise.device_watch import DeviceWatch
from benchcli.noise.fitness import call_overhead_s
from benchcli.sampling.bench import HARMLESS, Bench, IntrusionError, Setting, failure, prepare, shift_apart, shift_heap
from benchcli.sampling.rounds import Announce, no_collection, sample_rounds, take_sample, warm_up
from benchcli.schema import Conditions, Family, Key, Status
from benchcli.schema.protocol import (
    Event,
    Failed,
    Question,
    Ready,
    Sampled,
    Singled,
    Started,
    Task,
    Waiting,
    Watched,
    decode_question,
)
from benchcli.system.counters import between, look

Send = Callable[[Event], None]
ALIVE_S = 5.0
"""Seconds after which a worker that times calls singly gives a sign of life."""


def launch(task: Task, send: Send) -> None:
    """Measure one family after the other; the settings of one request are measured in turns."""
    rng = random.Random(task.seed)  # noqa: S311
    kept = [shift_heap(rng)]
    kind, index = split_name(task.target.device)
    device, watch = DEVICES[kind], watch_of(task)
    sampled: list[tuple[str, Conditions, Benches]] = []
    groups: dict[str, list[Family]] = {}
    for family in task.families:
        groups.setdefault(family.group, []).append(family)
    for families in groups.values():
        benches = {key: b for family in families for key, b in build(family, task, watch, kept, rng, send).items()}
        if versions(task) > 1:
            code_versions.hide()
        if benches:
            conditions = _sample(families, benches, task, watch, rng, send)
            _single_out(benches, task, send)
            for family in families:
                own = {key: bench for key, bench in benches.items() if key[0] == family.name}
                sampled.append((family.name, conditions, own if device.chooses_kernels else {}))
    for name, conditions, kept_benches in sampled:  # after all samples, which tracing would slow down
        kernels = _kernels(kept_benches, lambda bench: device.kernels(bench.call, index), send)
        send(Watched(name, replace(conditions, kernels=kernels)))


Benches = Mapping[Key, Bench]


def _single_out(benches: Benches, task: Task, send: Send) -> None:
    """Time calls singly, each network's one after the other, up to the task's number or most seconds."""
    for key, bench in benches.items() if task.singles else ():
        seconds: list[float] = []
        start = told = perf_counter()
        send(Started(*key))
        with no_collection():
            bench.lead()
            while len(seconds) < task.singles and perf_counter() - start < task.most_seconds:
                seconds.append(bench.timer(1).seconds)
                if perf_counter() - told > ALIVE_S:
                    told = perf_counter()
                    send(Started(*key))
                    bench.lead()
        send(Singled(*key, tuple(seconds)))


def _kernels(benches: Benches, hash_of: Callable[[Bench], str | None], send: Send) -> dict[str, str]:
    """Return the hash of each network's kernels, by variant, in the order of the names."""
    hashes: dict[str, str] = {}
    for key in sorted(benches):
        send(Started(*key))
        found = hash_of(benches[key])
        if found:
            hashes[key[1]] = found
    return hashes


def versions(task: Task) -> int:
    """Return how many versions of the user's code this worker loads."""
    return len({variant.source for family in task.families for variant in family.variants if variant.source})


def watch_of(task: Task) -> DeviceWatch:
    """Return a watch of the device, which this process has not used yet."""
    kind, index = split_name(task.target.device)
    return DeviceWatch(DEVICES[kind], index)


def build(
    family: Family, task: Task, watch: DeviceWatch, kept: list[bytearray], rng: random.Random, send: Send
) -> dict[Key, Bench]:
    """Return a bench for each variant of a family that can be built; send a failure for each other.

    The order is random. The first variants fill the holes in the heap and use small pages, which
    makes them slightly slower.
    """
    kind, index = split_name(task.target.device)
    runtime = RUNTIMES[task.target.runtime]
    setting = Setting(DEVICES[kind], index, runtime, task.target.cache, watch.is_throttled, task.seed, versions(task))
    benches: dict[Key, Bench] = {}
    for variant in rng.sample(family.variants, len(family.variants)):
        kept.append(shift_apart(rng))
        alive = partial(send, Started(family.name, variant.name))
        alive()
        try:
            costs = task.costs[family.name][variant.name]
            benches[family.name, variant.name] = prepare(variant, family, costs, replace(setting, alive=alive))
        except Exception as error:  # A network may raise anything; the other variants go on.
            send(Failed(family.name, variant.name, *_among(benches, failure(error))))
            if isinstance(error, IntrusionError) or (DEVICES[kind].errors_stick and not isinstance(error, HARMLESS)):
                raise
    return {key: bench for key, bench in benches.items() if _is_still_right(key, bench, send)}


def _is_still_right(key: Key, bench: Bench, send: Send) -> bool:
    """Check a captured call again, when all networks are built: none may use another's memory."""
    try:
        bench.check()
    except WrongOutputError as error:
        send(Failed(*key, *failure(error)))
        return False
    return True


def _among(benches: Benches, failed: tuple[Status, str]) -> tuple[Status, str]:
    """Return a failure, and for a lack of memory that the networks built before are in it too."""
    status, text = failed
    if status == "out-of-memory" and benches:
        beside = formatting.counted(len(benches), "network")
        text = f"beside {beside} of its family: give it a family of its own, or a smaller --batch ({text})"
    return status, text


def _sample(
    families: Sequence[Family], benches: Benches, task: Task, watch: DeviceWatch, rng: random.Random, send: Send
) -> Conditions:
    """Sample in rounds under the noise watch. Send all samples after the last timing; return the conditions."""
    overhead_s = call_overhead_s()
    with _announcing(send) as announce, no_collection():
        calls = warm_up(benches, task, DEVICES[split_name(task.target.device)[0]], rng, announce)
        if task.same_calls:
            baselines = {family.name: (family.name, family.baseline) for family in families}
            calls = {key: calls.get(baselines[key[0]], max(calls.values())) for key in calls}
        watch.forget()
        start = look()
        samples = list(sample_rounds(benches, calls, task, rng, announce))
        conditions = between(task.launch, start, look(), overhead_s)
    for (family, _), sample in samples:
        send(Sampled(family, sample))
    return watch.add_to(conditions)


@contextmanager
def _announcing(send: Send) -> Iterator[Announce]:
    """Yield a function that reports which variant runs. An error is reported as that variant's failure.

    The error is raised again: the process is no longer reliable. It ends, and the engine repeats
    the launch.
    """
    running: Key = ("", "")

    def announce(key: Key) -> None:
        nonlocal running
        running = key
        send(Started(*key))

    try:
        yield announce
    except Exception as error:
        send(Failed(*running, *failure(error)))
        raise


def serve(task: Task, send: Send, hear: Callable[[], str]) -> None:
    """Prepare every variant, send Waiting, and answer questions until the last one."""
    if DEVICES[split_name(task.target.device)[0]].pinned and task.target.threads == 1:
        keep_to_core(task.launch)
    rng = random.Random(task.seed)  # noqa: S311
    kept = [shift_heap(rng)]
    watch = watch_of(task)
    benches = {key: b for family in task.families for key, b in build(family, task, watch, kept, rng, send).items()}
    overhead_s = call_overhead_s()
    with no_collection():
        for family in task.families:
            _warm({key: bench for key, bench in benches.items() if key[0] == family.name}, task, rng, send)
        watch.forget()
        send(Waiting())
        start = look()
        _answer(benches, task, send, hear)
        conditions = between(task.launch, start, look(), overhead_s)
    send(Watched("", watch.add_to(conditions)))


def keep_to_core(launch: int) -> None:
    """Pin this process to the launch's core. All workers of a launch share it; launches rotate.

    On a shared machine each core has its own noisy neighbours. Two workers on two cores would
    differ by that noise for the whole launch.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[launch % len(cores)]})


def questions(hear: Callable[[], str]) -> Iterator[Question]:
    """Yield questions until the last one or the end of the input."""
    while (line := hear()) and (question := decode_question(line)):
        yield question


def _warm(ready: Benches, task: Task, rng: random.Random, send: Send) -> None:
    if not ready:
        return
    with _announcing(send) as announce:
        calls = warm_up(ready, task, DEVICES[split_name(task.target.device)[0]], rng, announce)
    for key, number in calls.items():
        send(Ready(*key, number))


def _answer(benches: Benches, task: Task, send: Send, hear: Callable[[], str]) -> None:
    for question in questions(hear):
        bench = benches[question.family, question.variant]
        try:
            sample = take_sample(bench, question.variant, question.calls, task.launch, question.round)
        except Exception as error:
            send(Failed(question.family, question.variant, *failure(error)))
            raise
        send(Sampled(question.family, sample))
