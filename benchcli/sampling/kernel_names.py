"""Name the kernels that ran in a call of each variant, in a worker."""

import math
from collections.abc import Sequence
from statistics import median

from benchcli.backends.devices.base import RanKernel
from benchcli.grouping import groups
from benchcli.sampling.rounds import CLOCK_TICKS, MOST_CALLS, no_collection
from benchcli.sampling.tracing import Subject, repeated, trace_each, warm_up
from benchcli.schema import CallKernels, HardwareCounts, KernelUse, Uncounted
from benchcli.schema.protocol import KernelsNamed, Send, Task

SAMPLES = 3
"""Samples in a round."""
LEAST = 3
"""The least rounds: calls whose kernels are named alternate with others, so that both see the same machine."""


def name_kernels(task: Task, send: Send) -> None:
    """Send the kernels of each variant, or the error that prevented it."""
    trace_each(task, send, _named)


def _named(of: Subject) -> KernelsNamed:
    bench, device = of.bench, of.device
    warm_up(bench, of.alive)
    with no_collection():
        calls = fewest_calls(bench.timer(1).seconds, device.resolution_s)

        def measure() -> tuple[float, Sequence[RanKernel]]:
            bench.lead()
            call_s = min(bench.timer(calls).seconds / calls for _ in range(SAMPLES))
            of.alive()
            if bench.profiler:
                bench.profiler.call()
                return call_s, ()
            return call_s, device.kernels_of(bench.call, of.costs, of.index)

        rounds = repeated(measure, of.task, of.alive, LEAST)
        counts = device.counted(bench.call, calls)
    by_call = [ran for _, ran in rounds]
    if bench.profiler:
        by_call = [[node.kernel for node in nodes] for nodes in bench.profiler.finish()]
    call_s = min(seconds for seconds, _ in rounds)
    tells_reorders = bench.profiler is None or bench.profiler.tells_reorders
    return KernelsNamed(
        CallKernels(of.family, of.variant, call_s, uses_of(by_call), *_told(counts), tells_reorders=tells_reorders)
    )


def fewest_calls(call_s: float, resolution_s: float) -> int:
    """Return the calls in a sample that the clock resolves, and no more: a short sample is rarely disturbed."""
    return min(MOST_CALLS, max(1, math.ceil(CLOCK_TICKS * resolution_s / max(call_s, resolution_s))))


def _told(counts: HardwareCounts | Uncounted) -> tuple[HardwareCounts | None, Uncounted]:
    return (counts, "") if isinstance(counts, HardwareCounts) else (None, counts)


def uses_of(calls: Sequence[Sequence[RanKernel]]) -> tuple[KernelUse, ...]:
    """Return how often each kernel runs in a call and its least seconds in one, the longest first.

    Whatever disturbs a call makes it longer. A kernel that less than half of the calls run is left out.
    """
    by_call = [groups(call, lambda each: (each.work, each.implementation)) for call in calls]
    names = dict.fromkeys(name for of in by_call for name in of)
    uses = (
        KernelUse(
            *name,
            round(median(len(of.get(name, ())) for of in by_call)),
            min(sum(each.seconds for each in of[name]) for of in by_call if name in of),
        )
        for name in names
    )
    return tuple(sorted((use for use in uses if use.count), key=lambda use: -use.seconds))
