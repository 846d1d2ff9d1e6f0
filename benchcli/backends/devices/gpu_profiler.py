"""A profiler for GPUs: it sums the kernel times of each operator from torch's profiler."""

import hashlib
from collections.abc import Callable, Iterable
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices.base import RanKernel, Trace, Tracer
from benchcli.cost.operators import category_by_name, twin
from benchcli.schema import CATEGORIES, REORDER, Category
from benchcli.spelling import given

if TYPE_CHECKING:
    import torch

LAYOUT_KERNELS = ("nchwtonhwc", "nhwctonchw")
"""Parts of the names of cuDNN's kernels for layout conversion."""


def tracer(call: Callable[[], "torch.Tensor"], synchronize: Callable[[], None]) -> Tracer:
    """Return a tracer that times each kernel of a call.

    The tracer raises NotImplementedError if the kernels belong to no operator.
    """
    from torch.profiler import ProfilerActivity, profile

    def traced() -> Trace:
        synchronize()
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], record_shapes=True) as profiler:
            start = perf_counter()
            call()
            synchronize()
            traced_s = perf_counter() - start
        return summed(profiler.events() or (), traced_s)

    return traced


def summed(events: Iterable[Any], traced_s: float) -> Trace:
    """Return the profiler's events as a Trace: their device time, in microseconds, per category."""
    parts = dict.fromkeys(CATEGORIES, 0.0)
    reorder_s = 0.0
    for event in events:
        event_s = event.self_device_time_total / 1e6
        if not event.name.startswith("aten::") or not event_s:
            continue
        layout_s = min(event_s, sum(kernel.duration for kernel in event.kernels if _is_of_layout(kernel)) / 1e6)
        parts[category_of(event)] += event_s - layout_s
        parts["data"] += layout_s
        reorder_s += layout_s
    if not any(parts.values()):
        raise NotImplementedError(
            f"its kernels belong to no operator, as those of a graph: leave {given('runtime', 'graph')} out"
        )
    return Trace(traced_s, parts, reorder_s)


def kernels(call: Callable[[], object], synchronize: Callable[[], None]) -> str | None:
    """Return a hash of the names of a call's kernels, in their order; None if no kernel was seen.

    torch's tracer stays attached afterwards and makes launches slower: call this after all timing.
    """
    from torch.profiler import ProfilerActivity, profile

    synchronize()
    with profile(activities=[ProfilerActivity.CUDA]) as profiler:
        call()
        synchronize()
    return hash_of(profiler.events() or ())


def kernels_of(call: Callable[[], object], synchronize: Callable[[], None]) -> list[RanKernel]:
    """Return the kernels of one call, each with the operator of torch that started it."""
    from torch.profiler import ProfilerActivity, profile

    synchronize()
    with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA]) as profiler:
        call()
        synchronize()
    return ran(profiler.events() or ())


def ran(events: Iterable[Any]) -> list[RanKernel]:
    """Return the kernels among the profiler's events, whose durations are in microseconds.

    Raises NotImplementedError if they belong to no operator.
    """
    found = [
        RanKernel(
            REORDER if _is_of_layout(kernel) else twin(event.name.removeprefix("aten::")),
            _function(kernel.name),
            kernel.duration / 1e6,
        )
        for event in events
        if event.name.startswith("aten::")
        for kernel in event.kernels
    ]
    if not found:
        raise NotImplementedError("its kernels belong to no operator, as those of a graph")
    return found


def _is_of_layout(kernel: Any) -> bool:
    return any(part in kernel.name.lower() for part in LAYOUT_KERNELS)


def _function(name: str) -> str:
    """Return a kernel's name without the types of its result, its arguments and its template."""
    return name.removeprefix("void ").partition("(")[0].partition("<")[0]


def hash_of(events: Iterable[Any]) -> str | None:
    """Return a hash of the names of the kernels among the profiler's events; None without any."""
    names = [event.name for event in events if event.device_type.name == "CUDA" and not event.name.startswith("Mem")]
    return hashlib.sha256("\n".join(names).encode()).hexdigest()[:6] if names else None


def category_of(event: Any) -> Category:
    """Return the category of an operator event of the profiler."""
    return category_by_name(event.name.removeprefix("aten::"), [shape for shape in event.input_shapes if shape])
