"""The base class of accelerators: the host queues work, and events in the queue time it."""

from collections.abc import Callable
from functools import cache
from itertools import repeat
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices.base import Device, Elapsed, Stamps, Timer
from benchcli.schema import Costs

if TYPE_CHECKING:
    import torch

HIDING = 1.25
"""How much longer flushes take than the longest queueing that they hide."""
MOST_FLUSHES = 64
"""The most flushes before a call."""
HIDING_TRIES = 3
"""How often calls are timed with more flushes, until these hide the queueing."""
FLUSH_TRIES = 5
CACHE_BYTES = 128 * 2**20
"""Assumed size of the last-level cache, a generous one, if it is unknown."""


@cache
def _buffer(device: str, size: int) -> "torch.Tensor":
    """Return memory of a device to write to: one for all networks, which need the rest."""
    import torch

    return torch.empty(size, dtype=torch.uint8, device=device)


class _Hiding:
    """Enough cache flushes to hide the time in which the host queues a call."""

    def __init__(self, flush: Callable[[], object], clock: Callable[[], float], drain: Callable[[], None]) -> None:
        self._flush, self._clock, self._drain = flush, clock, drain
        self._flushes = 1
        self.seconds = self._measured()
        """The time from queueing the last flush to its end, which hides what is queued in it."""

    def flush(self) -> None:
        """Queue the flushes."""
        for _ in range(self._flushes):
            self._flush()

    def extend(self, queue_s: float) -> bool:
        """Take as many flushes as hide `queue_s` with some reserve; return whether there were more to take."""
        before = self._flushes
        while self.seconds < HIDING * queue_s and self._flushes < MOST_FLUSHES:
            self._flushes *= 2
            self.seconds = self._measured()
        return self._flushes > before

    def _measured(self) -> float:
        def waited(work: Callable[[], object]) -> float:
            self._drain()
            work()
            begin_s = self._clock()
            self._drain()
            return self._clock() - begin_s

        tries = range(FLUSH_TRIES)
        return max(0.0, min(waited(self.flush) for _ in tries) - min(waited(lambda: None) for _ in tries))


class EventDevice(Device):
    """A device that times its work with events, through `torch.Event` and `torch.accelerator`."""

    column = "gpu"
    warm_up_s = 0.15
    errors_stick = True
    starts_slowly = True
    leads = True
    resolution_s = 1e-6

    def missing(self, index: int) -> str | None:
        """Return why torch cannot use accelerator number `index`, or None if it can."""
        import torch

        current = torch.accelerator.current_accelerator() if torch.accelerator.is_available() else None
        if current is None or current.type != self.name:
            why = self.why_unseen()
            return f"torch {torch.__version__} sees no {self.name} device on this machine{f': {why}' if why else ''}"
        count = torch.accelerator.device_count()
        if index < count:
            return None
        return f"there are {count} {self.name} devices, numbered from 0{self.hint_of_hidden()}"

    def hint_of_hidden(self) -> str:
        """Return why there may be fewer devices than expected, as the end of a sentence."""
        return ""

    def why_unseen(self) -> str | None:
        """Return why torch sees no such device, with the way out; None if that is not known."""
        return None

    def torch_name(self, index: int) -> str:
        """Return the kind and the number, such as "cuda:1"."""
        return f"{self.name}:{index}"

    def timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Return a timer of calls between two events.

        An untimed call is queued before the first event: the device works while the host queues the
        event, and the first timed call does not pay for waking it. The queue is empty after the last one.
        """
        start, end = self.event(index), self.event(index)
        enqueue, clock = self.enqueuer(call, costs), self.host_clock()

        def timed(calls: int) -> Elapsed:
            rounds = repeat(None, calls)
            self.synchronize(index)
            enqueue()
            begin_s = clock()
            start.record()
            for _ in rounds:
                enqueue()
            end.record()
            host_s = clock() - begin_s
            self.synchronize(index)  # an event of Metal can wait for ever
            # Events count milliseconds.
            return Elapsed(float(start.elapsed_time(end)) / 1e3, host_s)

        return timed

    def host_clock(self) -> Callable[[], float]:
        """Return a function that reads the host's clock in seconds."""
        return perf_counter

    def cold_timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Return a timer with two events per call, and cache flushes queued before the first event.

        The host does not wait between calls. It queues the call while the device flushes the caches, so
        that the events time the device's work and not the host's. There are as many flushes as hide the
        queueing; if MOST_FLUSHES do not, the host was timed, and the time counts as the host's.
        """
        enqueue, flush, clock = self.enqueuer(call, costs), self.flusher(index), self.host_clock()
        events: list[tuple[Any, Any]] = []
        hiding = _Hiding(flush, clock, lambda: self.synchronize(index))

        def once(calls: int) -> tuple[float, float]:
            """Return the device's seconds, and the longest time in which the host queued a call."""
            longest_s = 0.0
            self.synchronize(index)
            for start, end in events[:calls]:
                hiding.flush()
                begin_s = clock()
                start.record()
                enqueue()
                end.record()
                longest_s = max(longest_s, clock() - begin_s)
            self.synchronize(index)
            return sum(float(start.elapsed_time(end)) for start, end in events[:calls]) / 1e3, longest_s

        def timed(calls: int) -> Elapsed:
            events.extend((self.event(index), self.event(index)) for _ in range(calls - len(events)))
            for _ in range(HIDING_TRIES):
                seconds, queue_s = once(calls)
                if queue_s <= hiding.seconds or not hiding.extend(queue_s):
                    break
            return Elapsed(seconds, 0.0 if queue_s <= hiding.seconds else max(seconds, queue_s * calls))

        return timed

    def flusher(self, index: int) -> Callable[[], object]:
        """Return a function that queues a write of twice the size of the last-level cache."""
        return _buffer(self.torch_name(index), 2 * self.cache_bytes(index)).zero_

    def cache_bytes(self, index: int) -> int:  # noqa: ARG002
        """Return the size of the device's last-level cache, or CACHE_BYTES if it is unknown."""
        return CACHE_BYTES

    def event(self, index: int) -> Any:
        """Return an event with timing enabled."""
        import torch

        return torch.Event(self.torch_name(index), enable_timing=True)

    def synchronize(self, index: int) -> None:
        """Wait until the device has finished all queued work."""
        import torch

        torch.accelerator.synchronize(index)

    def enqueuer(self, call: Callable[[], "torch.Tensor"], costs: Costs) -> Callable[[], object]:  # noqa: ARG002
        """Return a function that queues one call."""
        return call

    def stamps(self, index: int) -> Stamps:
        """Return events in the queue, which count milliseconds."""

        def take() -> Any:
            event = self.event(index)
            event.record()
            return event

        return Stamps(take, lambda start, end: float(start.elapsed_time(end)) / 1e3, is_of_host=False)

    def settle(self, index: int) -> None:
        """Wait until the queue is empty."""
        self.synchronize(index)

    def configure(self, threads: int, index: int) -> None:
        """Set the host's threads and make the device the current one: its queue records events."""
        import torch

        super().configure(threads, index)
        torch.accelerator.set_device_index(index)
