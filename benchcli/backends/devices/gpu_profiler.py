"""Where a call's time goes on a GPU: torch's profiler tells the time of each operator's kernels."""

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices.base import Trace, Tracer
from benchcli.costs.operators import category, twin
from benchcli.schema import CATEGORIES, Category

if TYPE_CHECKING:
    import torch

LAYOUT_KERNELS = ("nchwtonhwc", "nhwctonchw")
"""What cuDNN calls the kernels with which it brings data into a layout of its own, and back."""


def tracer(call: Callable[[], "torch.Tensor"], synchronize: Callable[[], None]) -> Tracer:
    """Return what traces a call kernel by kernel; it raises NotImplementedError where kernels have no operators."""
    from torch.profiler import ProfilerActivity, profile

    def traced() -> Trace:
        synchronize()
        with profile(activities=[ProfilerActivity.CPU, ProfilerActivity.CUDA], record_shapes=True) as profiler:
            start = time.perf_counter()
            call()
            synchronize()
            traced_s = time.perf_counter() - start
        return summed(profiler.events() or (), traced_s)

    return traced


def summed(events: Iterable[Any], traced_s: float) -> Trace:
    """Sum the device time of the profiler's events, which is in microseconds, by what it is spent on."""
    parts = dict.fromkeys(CATEGORIES, 0.0)
    reorder_s = 0.0
    for event in events:
        spent_s = event.self_device_time_total / 1e6
        if not event.name.startswith("aten::") or not spent_s:
            continue
        layout = (kernel for kernel in event.kernels if any(sign in kernel.name.lower() for sign in LAYOUT_KERNELS))
        hidden_s = min(spent_s, sum(kernel.duration for kernel in layout) / 1e6)
        parts[category_of(event)] += spent_s - hidden_s
        parts["data"] += hidden_s
        reorder_s += hidden_s
    if not any(parts.values()):
        raise NotImplementedError("its kernels belong to no operator, as those of a graph: leave --runtime graph out")
    return Trace(traced_s, parts, reorder_s)


def category_of(event: Any) -> Category:
    """Return what the time of one of the profiler's operators is spent on."""
    import torch

    name = event.name.removeprefix("aten::")
    packet = getattr(torch.ops.aten, name, None)
    pointwise = packet is not None and any(
        torch.Tag.pointwise in getattr(packet, overload).tags for overload in packet.overloads()
    )
    shapes = [shape for shape in event.input_shapes if shape]
    return category(twin(name), shapes, pointwise)
