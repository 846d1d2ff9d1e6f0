"""Trace calls of each variant in a worker, alternating with untraced calls."""

from collections.abc import Callable
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from benchcli.backends.devices.base import DEVICES, Trace, Tracer, split_name
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.measure.protocol import Failed, Started, Task, Traced
from benchcli.measure.worker.bench import HARMLESS, Bench, Setting, failure, prepare
from benchcli.measure.worker.rounds import no_collection
from benchcli.measure.worker.sample import Send, throttle_of
from benchcli.schema import Breakdown, Category

WARM_UP_CALLS = 3


def profile(task: Task, send: Send) -> None:
    """Send the time breakdown of each variant, or the error that prevented it."""
    kind, index = split_name(task.target.device)
    device, runtime = DEVICES[kind], RUNTIMES[task.target.runtime]
    setting = Setting(device, index, runtime, task.target.cache, throttle_of(task), task.seed)
    for family in task.families:
        for variant in family.variants:
            started = Started(family.name, variant.name)
            send(started)
            try:
                costs = task.costs[family.name][variant.name]
                bench = prepare(variant, family, costs, setting)
                make_tracer = partial(device.tracer, bench.call, costs, index)
                parts = _break_down(bench, make_tracer, task, partial(send, started))
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(Failed(family.name, variant.name, *failure(error)))
                if device.errors_stick and not isinstance(error, HARMLESS):
                    raise
            else:
                send(Traced(Breakdown(family=family.name, variant=variant.name, launch=task.launch, **parts)))


def _break_down(
    bench: Bench, make_tracer: Callable[[], Tracer], task: Task, alive: Callable[[], None]
) -> dict[str, Any]:
    """Return the medians of alternating traced and untraced calls, as fields of Breakdown.

    It calls `alive` before each call to report progress.
    """
    for _ in range(WARM_UP_CALLS):
        bench.call()
        alive()
    tracer = make_tracer()
    plain: list[float] = []
    traces: list[Trace] = []
    start = perf_counter()
    with no_collection():
        while not _enough(len(plain), perf_counter() - start, task):
            alive()
            bench.timer(1)  # A traced call leaves other data in the caches than an untraced one.
            plain.append(bench.timer(1).seconds)
            traces.append(tracer())
    call_s = median(plain)
    parts: dict[Category, float] = {each: median(trace.parts[each] for trace in traces) for each in traces[0].parts}
    framework_s = max(0.0, call_s - sum(parts.values()))
    return {
        "call_s": call_s,
        "traced_s": median(trace.traced_s for trace in traces),
        "parts": {**parts, "other": parts["other"] + framework_s},
        "reorder_s": median(trace.reorder_s for trace in traces),
        "framework_s": framework_s,
    }


def _enough(rounds: int, elapsed_s: float, task: Task) -> bool:
    if rounds == 0:
        return False
    return elapsed_s >= task.most_seconds or (rounds >= task.rounds and elapsed_s >= task.seconds)
