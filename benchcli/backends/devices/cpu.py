"""The CPU, timed by the monotonic clock."""

import time
from collections.abc import Callable
from functools import cached_property
from itertools import repeat
from typing import TYPE_CHECKING

from benchcli.backends.devices.base import DEVICES, Device, Elapsed, Facts, Timer, Tracer
from benchcli.schema import Costs
from benchcli.system.machine import clock_steps, last_cache_bytes

if TYPE_CHECKING:
    import torch

COARSEST_S = 0.02
"""No clock is taken to be coarser than this."""
CACHE_BYTES = 64 * 2**20
"""Taken for the last cache's size where the system does not tell it."""


class Cpu(Device):
    """The host's processor. A call is done when it returns."""

    name = "cpu"
    title = "CPU"
    column = "arm"
    pinned = True

    @cached_property
    def resolution_s(self) -> float:  # type: ignore[override]
        """What the clock was seen to tell apart, within a bound: one that stands still is found out by the samples."""
        return min(clock_steps()[0], COARSEST_S)

    def missing(self, index: int) -> str | None:
        """Say that there is but one CPU device."""
        return "there is one cpu device: leave the number out" if index else None

    def facts(self, index: int) -> Facts:  # noqa: ARG002
        """Return the vector instructions that torch's kernels use here."""
        import torch

        return {
            "capability": torch.backends.cpu.get_cpu_capability(),
            "mkldnn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        }

    def torch_name(self, index: int) -> str:  # noqa: ARG002
        """Return "cpu"."""
        return "cpu"

    def timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:  # noqa: ARG002
        """Time calls with the clock read once before and once after all of them."""
        clock = time.perf_counter_ns

        def timed(calls: int) -> Elapsed:
            rounds = repeat(None, calls)
            start = clock()
            for _ in rounds:
                call()
            return Elapsed((clock() - start) / 1e9)

        return timed

    def tracer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Tracer:  # noqa: ARG002
        """Time each operator as it is dispatched."""
        from benchcli.backends.devices.cpu_profiler import tracer

        return tracer(call)

    def cold_timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Time calls one by one; before each, twice the last cache's size is read and written."""
        import torch

        timer = self.timer(call, costs, index)
        buffer = torch.zeros(2 * (last_cache_bytes() or CACHE_BYTES) // 4)

        def timed(calls: int) -> Elapsed:
            total = 0.0
            for _ in range(calls):
                buffer.add_(1.0)  # not zero_: storing without reading may go around the caches
                total += timer(1).seconds
            return Elapsed(total)

        return timed


DEVICES.add(Cpu())
