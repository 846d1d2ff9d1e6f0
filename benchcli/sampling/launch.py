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

from benchcli.backends.devices.base import DEVICES, Device, split_name
from benchcli.guards import code_versions
from benchcli.noise.device_watch import DeviceWatch
from benchcli.noise.fitness import call_overhead_s
from benchcli.noise.pace import Cores
from benchcli.sampling.bench import (
    Bench,
    Setup,
    loaded,
    prepare,
    shift_apart,
    shift_heap,
    spoils,
    write_artifact,
)
from benchcli.sampling.failures import IntrusionError, failed
from benchcli.sampling.rounds import Announce, no_collection, sample_rounds, take_sample, warm_up
from benchcli.schema import Conditions, Family, Key, Variant
from benchcli.schema.protocol import (
    LAUNCH,
    Event,
    Question,
    Ready,
    Sampled,
    Send,
    Singled,
    Started,
    Task,
    Waiting,
    Watched,
    decode_question,
)
from benchcli.system.counters import between, look

Benches = Mapping[Key, Bench]
ALIVE_S = 5.0
"""Seconds after which a worker that times calls singly gives a sign of life."""


def launch(task: Task, send: Send) -> None:
    """Measure one family after the other; the settings of one request are measured in turns.

    All samples of families are sent after the last timing of them.
    """
    rng = random.Random(task.seed)  # noqa: S311
    kept = [shift_heap(rng)]
    device, watch, several_versions = device_of(task)[0], watch_of(task), Setup.of(task).versions > 1
    sampled: list[tuple[Family, Conditions, Benches]] = []
    for families in _groups(task):
        benches = {key: b for family in families for key, b in build(family, task, watch, kept, rng, send).items()}
        if several_versions:
            code_versions.hide()
        if not benches:
            continue
        overhead_s = call_overhead_s()
        with _announcing(send) as announce, no_collection():
            calls = warm_up(benches, task, device, rng, announce)
            if task.same_calls:
                calls = _equal_calls(families, calls)
            watch.forget()
            start = look()
            samples = list(sample_rounds(benches, calls, task, rng, announce))
            conditions = between(task.launch, start, look(), overhead_s)
            benches = _still_right(benches, device, send)  # in the state of the process in which they were sampled
        for key, sample in samples:
            if key in benches:
                send(Sampled(key[0], sample))
        conditions = watch.add_to(conditions)
        _single_out(benches, task, send)
        for family in families:
            own = {key: bench for key, bench in benches.items() if key[0] == family.name}
            compile_s = {name: bench.compile_s for (_, name), bench in own.items() if bench.compile_s}
            sampled.append((family, replace(conditions, compile_s=compile_s), own if device.chooses_kernels else {}))
    _send_conditions(sampled, task, send)


def _groups(task: Task) -> list[list[Family]]:
    """Return the families that are measured in turns."""
    groups: dict[str, list[Family]] = {}
    for family in task.families:
        groups.setdefault(family.group, []).append(family)
    return list(groups.values())


def _equal_calls(families: Sequence[Family], calls: Mapping[Key, int]) -> dict[Key, int]:
    """Return the calls in a sample with those of each family's baseline for all its variants."""
    baselines = {family.name: (family.name, family.baseline) for family in families}
    return {key: calls.get(baselines[key[0]], max(calls.values())) for key in calls}


def _send_conditions(sampled: Sequence[tuple[Family, Conditions, Benches]], task: Task, send: Send) -> None:
    """Send the conditions of each family, with its kernels: reading them comes last, for tracing slows the process."""
    device, index = device_of(task)
    for family, conditions, benches in sampled:
        kernels = _kernels(benches, lambda bench: device.kernels(bench.call, index), send)
        send(Watched(family.name, replace(conditions, kernels=kernels)))


def export(task: Task, send: Send) -> None:
    """Let the runtime write the file of each variant."""
    write_each(task, send, write_artifact)


def write_each(task: Task, send: Send, write: Callable[[Variant, Family, Setup], Event]) -> None:
    """Write the file of each variant, and send what `write` says of it, or the error that prevented it."""
    setup = Setup.of(task)
    for family in task.families:
        for variant in family.launched:
            key = family.name, variant.name
            alive = partial(send, Started(*key))
            alive()
            try:
                send(write(variant, family, setup.reporting(alive)))
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(failed(key, error))
                if setup.place.device.errors_stick:
                    raise


def _single_out(benches: Benches, task: Task, send: Send) -> None:
    """Time calls singly, each network's one after the other, up to the task's number or most seconds."""
    for key, bench in benches.items() if task.singles else ():
        seconds: list[float] = []
        start = reported = perf_counter()
        send(Started(*key))
        with no_collection():
            bench.enter()
            bench.lead()
            while len(seconds) < task.singles and perf_counter() - start < task.most_seconds:
                seconds.append(bench.timer(1).seconds)
                if perf_counter() - reported > ALIVE_S:
                    reported = perf_counter()
                    send(Started(*key))
                    bench.lead()
        send(Singled(*key, tuple(seconds)))


def _kernels(benches: Benches, hash_of: Callable[[Bench], str | None], send: Send) -> dict[str, str]:
    """Return the hash of each network's kernels, by variant, in the order of the names."""
    hashes: dict[str, str] = {}
    for key in sorted(benches):
        send(Started(*key))
        kernels = hash_of(benches[key])
        if kernels:
            hashes[key[1]] = kernels
    return hashes


def device_of(task: Task) -> tuple[Device, int]:
    """Return the device of a task and its number."""
    kind, index = split_name(task.target.device)
    return DEVICES[kind], index


def device_on_core(task: Task) -> tuple[Device, int]:
    """Return the device of a task and its number, with this process on the launch's core if it uses only one."""
    device, index = device_of(task)
    if device.pinned and task.target.threads == 1:
        keep_to_core(task.launch)
    return device, index


def watch_of(task: Task) -> DeviceWatch:
    """Return a watch of the device, which this process has not used yet."""
    watch = DeviceWatch(*device_of(task), task.most_seconds)
    if task.kind == LAUNCH and task.target.threads == 1:
        watch.pace.move = Cores(task.launch).move
    return watch


def build(
    family: Family, task: Task, watch: DeviceWatch, kept: list[bytearray], rng: random.Random, send: Send
) -> dict[Key, Bench]:
    """Return a bench for each variant of a family that can be built; send a failure for each other.

    The order is random. The first variants fill the holes in the heap and use small pages, which
    makes them slightly slower.
    """
    setup = Setup.of(task, watch)
    benches: dict[Key, Bench] = {}
    for variant in rng.sample(family.launched, len(family.launched)):
        kept.append(shift_apart(rng))
        key = family.name, variant.name
        alive = partial(send, Started(*key))
        alive()
        try:
            costs = task.costs[family.name][variant.name]
            bench = prepare(variant, family, costs, setup.reporting(alive))
            benches[key] = replace(bench, source=variant.source)
            benches[key].end_forks()
            if benches[key].load_s is not None or family.dtype != "float32" or setup.runtime.option:
                send(loaded(key, benches[key]))
        except Exception as error:  # A network may raise anything; the other variants go on.
            send(failed(key, error, beside=len(benches)))
            if isinstance(error, IntrusionError) or spoils(error, setup.place.device):
                raise
    return _still_right(benches, setup.place.device, send)


def _still_right(benches: Benches, device: Device, send: Send) -> dict[Key, Bench]:
    """Return the benches that compute what they did when they were built, of files of their own; send failures."""
    return {key: bench for key, bench in benches.items() if _is_still_right(key, bench, device, send)}


def _is_still_right(key: Key, bench: Bench, device: Device, send: Send) -> bool:
    """Check a network again: captured ones may use another's memory, later calls may differ from the first."""
    bench.enter()
    try:
        code_versions.refuse_other_files(bench.source)
        bench.check()
    except Exception as error:  # a later call may raise anything too
        send(failed(key, error))
        if spoils(error, device):
            raise
        return False
    return True


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
        send(failed(running, error))
        raise


def serve(task: Task, send: Send, receive: Callable[[], str]) -> None:
    """Prepare every variant, send Waiting, and answer questions until the last one."""
    device_on_core(task)
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
        _answer(benches, task, send, receive)
        conditions = between(task.launch, start, look(), overhead_s)
        _still_right(benches, device_of(task)[0], send)
    send(Watched("", watch.add_to(conditions)))


def keep_to_core(launch: int) -> None:
    """Pin this process to the launch's core. All workers of a launch share it; launches rotate.

    On a shared machine each core has its own noisy neighbours. Two workers on two cores would
    differ by that noise throughout the launch.
    """
    if hasattr(os, "sched_setaffinity"):
        cores = sorted(os.sched_getaffinity(0))
        os.sched_setaffinity(0, {cores[launch % len(cores)]})


def questions(receive: Callable[[], str]) -> Iterator[Question]:
    """Yield questions until the last one or the end of the input."""
    while (line := receive()) and (question := decode_question(line)):
        yield question


def _warm(ready: Benches, task: Task, rng: random.Random, send: Send) -> None:
    if not ready:
        return
    with _announcing(send) as announce:
        calls = warm_up(ready, task, device_of(task)[0], rng, announce)
    for key, number in calls.items():
        send(Ready(*key, number))


def _answer(benches: Benches, task: Task, send: Send, receive: Callable[[], str]) -> None:
    for question in questions(receive):
        bench = benches[question.family, question.variant]
        try:
            sample = take_sample(bench, question.variant, question.calls, task.launch, question.round)
        except Exception as error:
            send(failed(question.key, error))
            raise
        send(Sampled(question.family, sample))
