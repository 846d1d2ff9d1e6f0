"""A simulated accelerator with an exact clock, so that tests know every time in advance.

The code that times CUDA and MPS times it too. A call takes 2 * flops / PEAK + mac_bytes / BANDWIDTH
seconds, the additive roofline, on a clock that only queued work advances. With cold caches the
second term is a third larger. The host takes LAUNCH_S to queue a call, and REPLAY_S to queue a
captured one, FLUSH_LAUNCH_S for a flush of the caches. A call that the device finishes sooner is host-bound.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchcli.backends.devices.base import (
    DEVICES,
    PEAK_FLOAT32,
    Device,
    Facts,
    Health,
    RanKernel,
    Readings,
    Stamps,
    Trace,
    Tracer,
)
from benchcli.backends.devices.events import EventDevice
from benchcli.schema import CATEGORIES, Costs

if TYPE_CHECKING:
    import torch

PEAK = 1e11
"""FLOP/s, where a multiply-add counts as two."""
BANDWIDTH = 1e10
"""Bytes per second."""
LEAST_S = 1e-9
"""Seconds of a call whose costs are 0 or could not be counted."""
LAUNCH_S = 4e-5
REPLAY_S = 4e-6
FLUSH_S = 1e-3
STAMP_S = 1e-6
FLUSH_LAUNCH_S = 4e-6
CLOCK_HZ = 1e9
HOT_AFTER_S = 1e6
"""Seconds of device time after which it throttles, like an overheated card."""


class FakeClock:
    """The clocks of the device and of the host that queues its work, in seconds."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.host_s = 0.0
        self.cold = False

    def queue(self, launch_s: float, work_s: float) -> None:
        """Let the host queue work, which starts when it is queued and the earlier work is done."""
        self.now_s = max(self.now_s, self.host_s) + work_s
        self.host_s += launch_s

    def drain(self) -> None:
        """Let the host wait until the queue is empty."""
        self.now_s = self.host_s = max(self.now_s, self.host_s)


class FakeEvent:
    """An event that holds the device time at which it was recorded."""

    def __init__(self, clock: FakeClock) -> None:
        self._clock = clock
        self._recorded_s: float | None = None

    def record(self) -> None:
        """Record when the device has done what was queued, which is no sooner than the host asks."""
        self._recorded_s = max(self._clock.now_s, self._clock.host_s)

    def synchronize(self) -> None:
        """Do nothing: the simulated work completes when it is queued."""

    def elapsed_time(self, end: "FakeEvent") -> float:
        """Return milliseconds to `end`. Raises RuntimeError if either event was not recorded."""
        if self._recorded_s is None or end._recorded_s is None:
            raise RuntimeError("both events must be recorded before their times are compared")
        return (end._recorded_s - self._recorded_s) * 1e3


@dataclass(frozen=True)
class Captured:
    """A call captured as a graph."""

    call: Callable[[], "torch.Tensor"]

    def __call__(self) -> "torch.Tensor":
        """Run the captured call."""
        return self.call()


class Fake(EventDevice):
    """The simulated device. Networks run on the CPU; a timed call only advances the clock."""

    name = "fake"
    title = "simulated device with an exact clock"
    hidden = True
    graphs = True
    chooses_kernels = True
    slows_denormals = True
    warm_up_s = 0.0
    errors_stick = False

    def __init__(self) -> None:
        self._clock = FakeClock()

    def missing(self, index: int) -> str | None:
        """Return an error message for any number but 0: there is one fake device."""
        return "there is one fake device: leave the number out" if index else None

    def facts(self, index: int) -> Facts:  # noqa: ARG002
        """Return the constants of the simulated roofline."""
        return {"card": "simulated accelerator", PEAK_FLOAT32: PEAK, "bandwidth": BANDWIDTH}

    def torch_name(self, index: int) -> str:  # noqa: ARG002
        """Return "cpu": networks are built there."""
        return "cpu"

    def configure(self, threads: int, index: int) -> None:  # noqa: ARG002
        """Keep the host to one thread: its clock counts none, and threads that wait for cores cost real time."""
        Device.configure(self, 1, index)

    def event(self, index: int) -> FakeEvent:  # noqa: ARG002
        """Return an event on the simulated clock."""
        return FakeEvent(self._clock)

    def synchronize(self, index: int) -> None:  # noqa: ARG002
        """Drain the queue on the simulated clock."""
        self._clock.drain()

    def host_clock(self) -> Callable[[], float]:
        """Return a function that reads the simulated host's clock in seconds."""
        return lambda: self._clock.host_s

    def stamps(self, index: int) -> Stamps:  # noqa: ARG002
        """Return a clock that moves by STAMP_S at each mark: no call moves the simulated one."""
        ticks = itertools.count()
        return Stamps(lambda: next(ticks), lambda start, end: (end - start) * STAMP_S, is_simulated=True)

    def tracer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Tracer:  # noqa: ARG002
        """Return a tracer that splits a call's time evenly over its operators.

        Tracing adds a quarter to the time of the call.
        """
        from benchcli.backends.devices.cpu_profiler import recording

        call_s = _seconds(costs)

        def traced() -> Trace:
            with recording() as spans:
                call()
            categories = [span.category for span in spans]
            parts = {each: call_s * categories.count(each) / len(categories) for each in CATEGORIES}
            return Trace(1.25 * call_s, parts)

        return traced

    def kernels_of(self, call: Callable[[], object], costs: Costs, index: int) -> list[RanKernel]:  # noqa: ARG002
        """Return a kernel for each operator, all of which take the same time."""
        from benchcli.backends.devices.cpu_profiler import recording

        with recording() as spans:
            call()
        return [RanKernel(span.operator, "simulated", _seconds(costs) / len(spans)) for span in spans]

    def enqueuer(self, call: Callable[[], "torch.Tensor"], costs: Costs) -> Callable[[], object]:
        """Return a function that advances the clock by the time of one call."""
        launch_s = REPLAY_S if isinstance(call, Captured) else LAUNCH_S
        warm_s = _seconds(costs)
        cold_s = warm_s + costs.mac_bytes / BANDWIDTH / 3

        def advance() -> None:
            self._clock.queue(launch_s, cold_s if self._clock.cold else warm_s)
            self._clock.cold = False

        return advance

    def flusher(self, index: int) -> Callable[[], object]:  # noqa: ARG002
        """Return a function that makes the caches cold for the next call."""

        def flush() -> None:
            self._clock.queue(FLUSH_LAUNCH_S, FLUSH_S)
            self._clock.cold = True

        return flush

    def capture(self, call: Callable[[], "torch.Tensor"], index: int) -> "Captured":  # noqa: ARG002
        """Return the call, marked as captured."""
        return Captured(call)

    def health(self, index: int) -> Health:  # noqa: ARG002
        """Return the clock frequency; it is throttled after HOT_AFTER_S."""
        reasons = ("thermal (simulated)",) if self._clock.now_s > HOT_AFTER_S else ()
        return Health(CLOCK_HZ, reasons, CLOCK_HZ, is_capped=False)

    def readings(self, index: int) -> Readings:  # noqa: ARG002
        """Return the readings of an otherwise idle device."""
        return Readings(temperature_c=40.0, power_w=100.0, utilisation=0.0, other_processes=0)

    def kernels(self, call: Callable[[], object], index: int) -> str:  # noqa: ARG002
        """Return a constant hash: the simulated device chooses no kernels."""
        return "simulated"


def _seconds(costs: Costs) -> float:
    """Return the simulated seconds of a call."""
    return max(LEAST_S, 2 * costs.flops / PEAK + costs.mac_bytes / BANDWIDTH)


DEVICES.add(Fake())
