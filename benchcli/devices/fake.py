"""A simulated accelerator with an exact clock, so that tests know every time in advance.

It is timed by the same code as CUDA and MPS. A call takes 2 * flops / PEAK + mac_bytes / BANDWIDTH seconds, the
additive roofline, on a clock that only queued work moves.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from benchcli.devices.base import DEVICES, Device, Facts
from benchcli.devices.events import EventDevice
from benchcli.schema import Costs

if TYPE_CHECKING:
    import torch

PEAK = 1e11
"""FLOP/s, two for a multiply-add."""
BANDWIDTH = 1e10
"""Bytes a second."""


class FakeClock:
    """Device time in seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0


class FakeEvent:
    """Remembers the device's time at which it was recorded."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._recorded_s: float | None = None

    def record(self) -> None:
        """Mark this moment in the queue."""
        self._recorded_s = self._clock.now_s

    def synchronize(self) -> None:
        """Wait for the mark: the fake's queue is always drained."""

    def elapsed_time(self, end: "FakeEvent") -> float:
        """Return milliseconds to `end`. Raises RuntimeError where one of the two was not recorded."""
        if self._recorded_s is None or end._recorded_s is None:
            raise RuntimeError("both events must be recorded before their times are compared")
        return (end._recorded_s - self._recorded_s) * 1e3


class Fake(EventDevice):
    """The simulated device; networks are built and checked on the CPU, but their calls only move the clock."""

    name = "fake"
    title = "simulated device with an exact clock"
    hidden = True
    warm_up_s = 0.0

    def __init__(self) -> None:
        self._clock = FakeClock()

    def missing(self, index: int) -> str | None:
        """There is one."""
        return "there is one fake device: leave the number out" if index else None

    def facts(self, index: int) -> Facts:  # noqa: ARG002
        """Return the constants of its roofline."""
        return {"card": "simulated accelerator", "peak_flops": PEAK, "bandwidth": BANDWIDTH}

    def torch_name(self, index: int) -> str:  # noqa: ARG002
        """Return "cpu": that is where its networks are built."""
        return "cpu"

    def configure(self, threads: int, index: int) -> None:
        """Set the host's threads; there is no accelerator to make the current one."""
        Device.configure(self, threads, index)

    def event(self, index: int) -> FakeEvent:  # noqa: ARG002
        """Return an event on the exact clock."""
        return FakeEvent(self._clock)

    def synchronize(self, index: int) -> None:
        """Return at once: nothing is ever pending."""

    def enqueuer(self, call: Callable[[], "torch.Tensor"], costs: Costs) -> Callable[[], object]:  # noqa: ARG002
        """Return what moves the clock by the time of one call."""
        seconds = 2 * costs.flops / PEAK + costs.mac_bytes / BANDWIDTH

        def advance() -> None:
            self._clock.now_s += seconds

        return advance


DEVICES.add(Fake())
