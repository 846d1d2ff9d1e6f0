"""What a device does for the measuring. torch is imported only inside the methods that workers call."""

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
    """The seconds that calls took, all together."""

    seconds: float
    host_seconds: float | None = None
    """What the host took to queue them, on devices that have a queue."""


Timer = Callable[[int], Elapsed]
"""Runs so many calls."""


@dataclass(frozen=True)
class Trace:
    """One call, traced."""

    traced_s: float
    """All of it, tracing included."""
    parts: Mapping[Category, float]
    """Seconds within operators, by what they are spent on."""
    reorder_s: float = 0.0
    """Those of `data` that are hidden in convolutions."""


Tracer = Callable[[], Trace]
"""Runs one call."""


@dataclass(frozen=True)
class Health:
    """How an accelerator fares at one moment."""

    clock_hz: float | None
    throttled: tuple[str, ...]
    """What holds its clock down, in the driver's words."""


class Device(ABC):
    """One kind of device. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    title: ClassVar[str]
    column: ClassVar[Literal["arm", "gpu"]]
    """The paper's column that this kind of device is compared with."""
    hidden: ClassVar[bool] = False
    warm_up_s: ClassVar[float] = 0.0
    """Least time of warm-up: clocks of accelerators rise slowly."""
    graphs: ClassVar[bool] = False
    """Whether `capture` works."""
    errors_stick: ClassVar[bool] = False
    """Whether an error may leave the device unusable for this process, as one of a kernel's does on a GPU."""
    pinned: ClassVar[bool] = False
    """Whether workers that are sampled in turn had better run on one core."""
    resolution_s: ClassVar[float] = 1e-7
    """What the clock can tell apart."""

    @abstractmethod
    def missing(self, index: int) -> str | None:
        """Say why device number `index` cannot be used, or None where it can."""

    @abstractmethod
    def facts(self, index: int) -> Facts:
        """Return what the hardware and its driver are; part of what makes two records comparable."""

    @abstractmethod
    def torch_name(self, index: int) -> str:
        """Return what torch calls the device."""

    @abstractmethod
    def timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Return a timer of `call`. `costs` are the network's, for devices that are simulated."""

    @abstractmethod
    def cold_timer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Timer:
        """Return a timer that flushes the caches before each call, outside of what is timed."""

    def capture(self, call: Callable[[], "torch.Tensor"], index: int) -> Callable[[], "torch.Tensor"]:
        """Return a replay of a call's kernels as one graph. Raises NotImplementedError where there are no graphs."""
        raise NotImplementedError(f"a {self.title} has no graphs to capture")

    def tracer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Tracer:
        """Return what traces a call. Raises NotImplementedError where the device does not tell operators apart."""
        raise NotImplementedError(f"a {self.title} does not tell here where its time goes")

    def health(self, index: int) -> Health | None:  # noqa: ARG002
        """Return how the device fares, or None where it cannot be asked."""
        return None

    def configure(self, threads: int, index: int) -> None:  # noqa: ARG002
        """Set what torch must be told before anything runs in this process."""
        import torch

        torch.set_num_threads(threads)


DEVICES: Registry[Device] = Registry("device", "benchcli.backends.devices")


def split_name(device: str) -> tuple[str, int]:
    """Return the kind and the number in "cuda:1"; a name without a number is number 0."""
    kind, _, number = device.partition(":")
    return kind, int(number) if number.isdecimal() else 0
