"""What accelerators share: work is queued, and events in the queue mark its beginning and its end."""

from collections.abc import Callable
from itertools import repeat
from typing import TYPE_CHECKING, Any

from benchcli.devices.base import Device, Timer
from benchcli.schema import Costs

if TYPE_CHECKING:
    import torch


class EventDevice(Device):
    """A device timed by its own events, through `torch.Event` and `torch.accelerator`."""

    column = "gpu"
    warm_up_s = 0.15
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
        enqueue = self.enqueuer(call, costs)

        def seconds(calls: int) -> float:
            rounds = repeat(None, calls)
            self.synchronize(index)
            start.record()
            for _ in rounds:
                enqueue()
            end.record()
            end.synchronize()
            return float(start.elapsed_time(end)) / 1e3  # events tell milliseconds

        return seconds

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
