"""The CPU, timed with the monotonic clock."""

from collections.abc import Callable, Mapping
from functools import cached_property
from itertools import repeat
from time import perf_counter_ns
from typing import TYPE_CHECKING

from benchcli.backends.devices.base import DEVICES, Device, Elapsed, Facts, RanKernel, Stamps, Timer, Tracer
from benchcli.schema import Costs, HardwareCounts, Uncounted
from benchcli.system.hardware_counters import counted
from benchcli.system.machine import cache_levels, clock_steps, last_cache_bytes

if TYPE_CHECKING:
    import torch

COARSEST_S = 0.02
"""Upper bound on the clock's resolution."""
PACED_NUMBERS, PACED_TIMES = 2048, 16
"""The piece of work that tells the pace of a core: 16 KB, which every first cache holds."""
CACHE_BYTES = 64 * 2**20
"""Assumed size of the last-level cache if the system does not report it."""


class Cpu(Device):
    """The host's processor. A call is complete when it returns."""

    name = "cpu"
    title = "CPU"
    column = "arm"
    pinned = True
    slows_denormals = True

    @cached_property
    def resolution_s(self) -> float:  # type: ignore[override]
        """The smallest observed step of the clock, at most COARSEST_S.

        The bound matters for a stopped clock, which the samples detect.
        """
        return min(clock_steps()[0], COARSEST_S)

    def is_seen(self) -> bool:
        """Return true: there is always one."""
        return True

    def missing(self, index: int) -> str | None:
        """Return an error message for any number but 0: there is one CPU device."""
        return "there is one cpu device: leave the number out" if index else None

    def facts(self, index: int) -> Facts:  # noqa: ARG002
        """Return the vector instructions of torch's kernels, and whether oneDNN is available."""
        import torch

        return {
            "capability": torch.backends.cpu.get_cpu_capability(),
            "mkldnn": torch.backends.mkldnn.is_available(),  # type: ignore[no-untyped-call]
        }

    def torch_name(self, index: int) -> str:  # noqa: ARG002
        """Return "cpu"."""
        return "cpu"

    def timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:  # noqa: ARG002
        """Return a timer that reads the clock once before and once after all calls."""
        clock = perf_counter_ns  # bound when this module is imported: a network cannot replace it

        def timed(calls: int) -> Elapsed:
            rounds = repeat(None, calls)
            start = clock()
            for _ in rounds:
                call()
            return Elapsed((clock() - start) / 1e9)

        return timed

    def tracer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Tracer:  # noqa: ARG002
        """Return a tracer that times each operator as torch dispatches it."""
        from benchcli.backends.devices.cpu_profiler import tracer

        return tracer(call)

    def kernels_of(self, call: Callable[[], object], costs: Costs, index: int) -> list[RanKernel]:  # noqa: ARG002
        """Return the kernels of oneDNN and MKL, and the operators of torch that run none of them."""
        from benchcli.backends.devices.cpu_profiler import kernels_of

        return kernels_of(call)

    def counted(self, call: Callable[[], object], calls: int) -> HardwareCounts | Uncounted:
        """Return what Linux lets this process read of the processor's counters."""
        return counted(call, calls)

    def stamps(self, index: int) -> Stamps:  # noqa: ARG002
        """Return the monotonic clock."""
        return Stamps(perf_counter_ns, lambda start, end: (end - start) / 1e9)

    def pace(self) -> Callable[[], float]:
        """Return what takes the logistic function of 2,048 numbers sixteen times: 10 to 50 µs.

        It is in one thread, whatever their number is. MKL, which computes exponentials, uses all of torch's.
        """
        import torch

        numbers, out = torch.linspace(-1.0, 1.0, PACED_NUMBERS), torch.empty(PACED_NUMBERS)
        clock, work, rounds = perf_counter_ns, torch.sigmoid, (None,) * PACED_TIMES

        def paced() -> float:
            work(numbers, out=out)  # loads the cache
            start = clock()
            for _ in rounds:
                work(numbers, out=out)
            return (clock() - start) / 1e9

        return paced

    def caches(self, threads: int, index: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the levels that Linux reports."""
        return cache_levels(threads)

    def cold_timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Return a timer of single calls.

        Before each call it reads and writes twice the size of the last-level cache.
        """
        import torch

        timer = self.timer(call, costs, index)
        buffer = torch.zeros(2 * (last_cache_bytes() or CACHE_BYTES) // 4)

        def timed(calls: int) -> Elapsed:
            total = 0.0
            for _ in range(calls):
                buffer.add_(1.0)  # Not zero_: stores without loads may bypass the caches.
                total += timer(1).seconds
            return Elapsed(total)

        return timed


DEVICES.add(Cpu())
