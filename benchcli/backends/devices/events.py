"""What accelerators share: work is queued, and events in the queue mark its beginning and its end."""

import time
from collections.abc import Callable
from itertools import repeat
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices.base import Device, Elapsed, Timer
from benchcli.schema import Costs

if TYPE_CHECKING:
    import torch

CACHE_BYTES = 128 * 2**20


class EventDevice(Device):
    """A device timed by its own events, through `torch.Event` and `torch.accelerator`."""

    column = "gpu"
    warm_up_s = 0.15
    errors_stick = True
    resolution_s = 1e-6

    def missing(self, index: int) -> str | None:
        """Say that torch sees no such accelerator, or not so many."""
        import torch

        current = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        if current is None or current.type != self.name:
            return f"torch {torch.__version__} sees no {self.name} device on this machine"
        count = torch.accelerator.device_count()
        return None if index < count else f"there are {count} {self.name} devices, numbered from 0"

    def torch_name(self, index: int) -> str:
        """Return "cuda:1"."""
        return f"{self.name}:{index}"

    def timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Time calls between two events; the queue is drained before the first and after the last."""
        start, end = self.event(index), self.event(index)
        enqueue, clock = self.enqueuer(call, costs), self.host_clock()

        def timed(calls: int) -> Elapsed:
            rounds = repeat(None, calls)
            self.synchronize(index)
            begin_s = clock()
            start.record()
            for _ in rounds:
                enqueue()
            end.record()
            host_s = clock() - begin_s
            end.synchronize()
            return Elapsed(float(start.elapsed_time(end)) / 1e3, host_s)  # events tell milliseconds

        return timed

    def host_clock(self) -> Callable[[], float]:
        """Return what tells the host's seconds."""
        return time.perf_counter

    def cold_timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Time each call between events of its own, after a flush that is queued before the first of them.

        Nothing is waited for in between: while the device flushes, the host queues the call, so that what is timed
        is the device's work and not the host's.
        """
        enqueue, flush = self.enqueuer(call, costs), self.flusher(index)
        events: list[tuple[Any, Any]] = []

        def timed(calls: int) -> Elapsed:
            events.extend((self.event(index), self.event(index)) for _ in range(calls - len(events)))
            self.synchronize(index)
            for start, end in events[:calls]:
                flush()
                start.record()
                enqueue()
                end.record()
            self.synchronize(index)
            return Elapsed(sum(float(start.elapsed_time(end)) for start, end in events[:calls]) / 1e3)

        return timed

    def flusher(self, index: int) -> Callable[[], object]:
        """Return what queues a write of twice the last cache's size on the device."""
        import torch

        buffer = torch.empty(2 * self.cache_bytes(index), dtype=torch.uint8, device=self.torch_name(index))
        return buffer.zero_

    def cache_bytes(self, index: int) -> int:  # noqa: ARG002
        """Return the size of the device's last cache; a generous one where it cannot be asked."""
        return CACHE_BYTES

    def event(self, index: int) -> Any:
        """Return an event that can be timed."""
        import torch

        return torch.Event(self.torch_name(index), enable_timing=True)

    def synchronize(self, index: int) -> None:
        """Wait until the device has done all that was queued."""
        import torch

        torch.accelerator.synchronize(index)

    def enqueuer(self, call: Callable[[], "torch.Tensor"], costs: Costs) -> Callable[[], object]:  # noqa: ARG002
        """Return what queues one call."""
        return call

    def configure(self, threads: int, index: int) -> None:
        """Set the host's threads, and make the device the current one: events are recorded in its queue."""
        import torch

        super().configure(threads, index)
        torch.accelerator.set_device_index(index)
