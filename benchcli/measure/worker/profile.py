"""Trace calls of each variant in a worker, after untraced ones: tracers stay attached on some devices."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any, TypeVar

from benchcli.backends.devices.base import DEVICES, Tracer, split_name
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.measure.protocol import Failed, Started, Task, Traced
from benchcli.measure.worker.bench import HARMLESS, Bench, Setting, failure, prepare
from benchcli.measure.worker.rounds import calls_per_sample, no_collection
from benchcli.measure.worker.sample import Send
from benchcli.schema import Breakdown, Category

WARM_UP_CALLS = 3
Value = TypeVar("Value")


def profile(task: Task, send: Send) -> None:
    """Send the time breakdown of each variant, or the error that prevented it."""
    kind, index = split_name(task.target.device)
    device, runtime = DEVICES[kind], RUNTIMES[task.target.runtime]
    setting = Setting(device, index, runtime, task.target.cache, lambda: False, task.seed)
    for family in task.families:
        for variant in family.variants:
            started = Started(family.name, variant.name)
            send(started)
            try:
                costs = task.costs[family.name][variant.name]
                bench = prepare(variant, family, costs, setting)
                make_tracer = partial(device.tracer, bench.call, costs, index)
                parts = _break_down(bench, make_tracer, device.resolution_s, task, partial(send, started))
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(Failed(family.name, variant.name, *failure(error)))
                if device.errors_stick and not isinstance(error, HARMLESS):
                    raise
            else:
                send(Traced(Breakdown(family=family.name, variant=variant.name, launch=task.launch, **parts)))


def _break_down(
    bench: Bench, make_tracer: Callable[[], Tracer], resolution_s: float, task: Task, alive: Callable[[], None]
) -> dict[str, Any]:
    """Return the medians of untraced and of traced calls, as fields of Breakdown.

    It calls `alive` before each sample to report progress.
    """
    for _ in range(WARM_UP_CALLS):
        bench.call()
        alive()
    with no_collection():
        calls = calls_per_sample(bench.timer(1).seconds, resolution_s)
        call_s = median(_repeated(lambda: bench.timer(calls).seconds / calls, task, alive))
        tracer = make_tracer()
        traces = _repeated(tracer, task, alive)[1:]  # the first one starts the tracer
    parts: dict[Category, float] = {each: median(trace.parts[each] for trace in traces) for each in traces[0].parts}
    return {
        "call_s": call_s,
        "traced_s": median(trace.traced_s for trace in traces),
        "parts": {**parts, "framework": max(0.0, call_s - sum(parts.values()))},
        "reorder_s": median(trace.reorder_s for trace in traces),
    }


def _repeated(measure: Callable[[], Value], task: Task, alive: Callable[[], None]) -> list[Value]:
    """Measure at least twice, and until the task's rounds and seconds, or its most seconds, are reached."""
    values: list[Value] = []
    start = perf_counter()
    while not _enough(len(values), perf_counter() - start, task):
        alive()
        values.append(measure())
    return values


def _enough(rounds: int, elapsed_s: float, task: Task) -> bool:
    if rounds < 2:
        return False
    return elapsed_s >= task.most_seconds or (rounds >= task.rounds and elapsed_s >= task.seconds)
