"""Trace calls of each variant in a worker, after untraced ones: tracers stay attached on some devices."""

from collections.abc import Callable, Sequence
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

from benchcli.backends.devices.base import Trace, Tracer
from benchcli.backends.runtimes.base import RanNode
from benchcli.sampling.bench import Bench
from benchcli.sampling.rounds import calls_per_sample, no_collection
from benchcli.sampling.tracing import Subject, repeated, trace_each, warm_up
from benchcli.schema import CATEGORIES, REORDER, Breakdown, Category
from benchcli.schema.protocol import Send, Task, Traced

LEAST = 2
"""The least traces: the first one does not count."""


def profile(task: Task, send: Send) -> None:
    """Send the time breakdown of each variant, or the error that prevented it."""
    trace_each(task, send, _traced)


def _traced(of: Subject) -> Traced:
    make_tracer = partial(of.device.tracer, of.bench.call, of.costs, of.index)
    parts = _break_down(of.bench, make_tracer, of.device.resolution_s, of.task, of.alive)
    return Traced(Breakdown(family=of.family, variant=of.variant, launch=of.task.launch, **parts))


def _break_down(
    bench: Bench, make_tracer: Callable[[], Tracer], resolution_s: float, task: Task, alive: Callable[[], None]
) -> dict[str, Any]:
    """Return the medians of untraced and of traced calls, as fields of Breakdown.

    It calls `alive` before each sample to report progress.
    """
    warm_up(bench, alive)
    with no_collection():
        calls = calls_per_sample(bench.timer(1).seconds, resolution_s)
        call_s = median(repeated(lambda: bench.timer(calls).seconds / calls, task, alive, LEAST))
        traces = _traces(bench, make_tracer, task, alive)[1:]  # the first one starts the tracer
    reorders = [trace.reorder_s for trace in traces if trace.reorder_s is not None]
    parts: dict[Category, float] = {each: median(trace.parts[each] for trace in traces) for each in traces[0].parts}
    return {
        "call_s": call_s,
        "traced_s": median(trace.traced_s for trace in traces),
        "parts": {**parts, "framework": max(0.0, call_s - sum(parts.values()))},
        "reorder_s": median(reorders) if reorders else None,
    }


def _traces(bench: Bench, make_tracer: Callable[[], Tracer], task: Task, alive: Callable[[], None]) -> list[Trace]:
    """Return the traces of calls: by the runtime's own profiler if it has one, else by the device's tracer."""
    if bench.profiler is None:
        return repeated(make_tracer(), task, alive, LEAST)
    seconds = repeated(partial(_timed, bench.profiler.call), task, alive, LEAST)
    tells_reorders = bench.profiler.tells_reorders
    return [_trace(each, nodes, tells_reorders) for each, nodes in zip(seconds, bench.profiler.finish(), strict=True)]


def _timed(call: Callable[[], object]) -> float:
    start = perf_counter()
    call()
    return perf_counter() - start


def _trace(traced_s: float, nodes: Sequence[RanNode], tells_reorders: bool) -> Trace:
    parts = dict.fromkeys(CATEGORIES, 0.0)
    for kernel, category, _ in nodes:
        parts[category] += kernel.seconds
    reorders = [each.kernel.seconds for each in nodes if each.kernel.work == REORDER]
    return Trace(traced_s, parts, sum(reorders) if tells_reorders else None)
