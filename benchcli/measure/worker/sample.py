"""In a worker: build the variants of each family and sample them in rounds."""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace

from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.measure.overhead import call_overhead_s
from benchcli.measure.protocol import Event, Failed, Sampled, Started, Task, Watched
from benchcli.measure.worker import code_versions
from benchcli.measure.worker.bench import HARMLESS, Bench, Setting, failure, prepare
from benchcli.measure.worker.layout import shift_apart, shift_heap
from benchcli.measure.worker.rounds import no_collection, sample_rounds, warm_up
from benchcli.measure.worker.throttle import Throttle
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
