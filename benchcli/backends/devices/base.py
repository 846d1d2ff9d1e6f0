"""The interface of a device: how to use it, time it, trace it and describe it.

Only the methods that workers call import torch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, Literal, NamedTuple

from benchcli.registry import Registry
from benchcli.schema import Category, Costs

if TYPE_CHECKING:
    import torch

Facts = Mapping[str, str | int | float | bool | None]


class Elapsed(NamedTuple):
    """The total seconds of a number of calls."""

    seconds: float
    host_seconds: float | None = None
    """The host's time to queue the calls that no flush hides, on devices that have a queue."""


Timer = Callable[[int], Elapsed]
"""Runs and times the given number of calls."""


@dataclass(frozen=True)
class Trace:
    """The trace of one call."""

    traced_s: float
    """Seconds of the whole call, tracing overhead included."""
    parts: Mapping[Category, float]
    """Seconds within operators, by category."""
    reorder_s: float = 0.0
    """The part of `data` that convolutions spend on layout conversion."""


Tracer = Callable[[], Trace]
"""Runs and traces one call."""


@dataclass(frozen=True)
class Health:
    """The clock of an accelerator at one moment."""

    clock_hz: float | None
    throttled: tuple[str, ...]
    """The reasons for which the clock is throttled, in the driver's words."""


class Device(ABC):
    """One kind of device. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    title: ClassVar[str]
    column: ClassVar[Literal["arm", "gpu"]]
    """The column of the paper's tables to compare this kind of device with."""
    hidden: ClassVar[bool] = False
    warm_up_s: ClassVar[float] = 0.0
    """Shortest warm-up: the clocks of accelerators rise slowly."""
    graphs: ClassVar[bool] = False
    """Whether the device supports `capture`."""
    errors_stick: ClassVar[bool] = False
    """Whether an error may leave the device unusable for this process, like a GPU kernel error."""
    pinned: ClassVar[bool] = False
    """Whether workers that are sampled in turn should run on the same core."""
    resolution_s: ClassVar[float] = 1e-7
    """Resolution of the clock."""

    @abstractmethod
    def missing(self, index: int) -> str | None:
        """Return why device number `index` cannot be used, or None if it can."""

    @abstractmethod
    def facts(self, index: int) -> Facts:
        """Return facts about the hardware and its driver; comparable records agree on them."""

    @abstractmethod
    def torch_name(self, index: int) -> str:
        """Return torch's name of the device."""

    @abstractmethod
    def timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Return a timer of `call`. Simulated devices use `costs`, those of the network."""

    @abstractmethod
    def cold_timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Return a timer of `call` that flushes the caches, untimed, before each call."""

    def capture(self, call: Callable[[], "torch.Tensor"], index: int) -> Callable[[], "torch.Tensor"]:
        """Return a callable that replays the kernels of `call` as one graph.

        Raises NotImplementedError if the device has no graphs.
        """
        raise NotImplementedError(f"a {self.title} has no graphs to capture")

    def tracer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Tracer:
        """Return a tracer of `call`.

        Raises NotImplementedError if the device cannot time single operators.
        """
        raise NotImplementedError(f"a {self.title} does not tell here where its time goes")

    def peak_bytes(self, call: Callable[[], object], index: int) -> int | None:  # noqa: ARG002
        """Return the most bytes that the device's allocator gave out during `call`; None if it does not say."""
        return None

    def health(self, index: int) -> Health | None:  # noqa: ARG002
        """Return the state of the device's clock, or None if it cannot be read."""
        return None

    def configure(self, threads: int, index: int) -> None:  # noqa: ARG002
        """Set torch's global options before anything runs in this process."""
        import torch

        torch.set_num_threads(threads)


DEVICES: Registry[Device] = Registry("device", "benchcli.backends.devices")


def split_name(device: str) -> tuple[str, int]:
    """Return the kind and the number of a name such as "cuda:1"; the default number is 0."""
    kind, _, number = device.partition(":")
    return kind, int(number) if number.isdecimal() else 0
