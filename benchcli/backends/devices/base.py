"""The interface of a device: how to use it, time it, trace it and describe it.

Only the methods that workers call import torch.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Final, Literal, NamedTuple

from benchcli.registry import Registry
from benchcli.schema import Category, Costs, HardwareCounts, Uncounted

if TYPE_CHECKING:
    import torch

Facts = Mapping[str, str | int | float | bool | None]
PEAK_FLOAT32: Final = "peak_float32_flops"
"""The name of the fact with the most FLOP/s in float32 of a device, a multiply-add counted as two."""


class Elapsed(NamedTuple):
    """The total seconds of a number of calls."""

    seconds: float
    host_seconds: float | None = None
    """The host's time to queue the calls that no flush hides, on devices that have a queue."""
    parts: tuple[float, ...] | None = None
    """The total seconds of forward, backward and, with an optimiser, update; None of what is no training step."""


Timer = Callable[[int], Elapsed]
"""Runs and times the given number of calls."""


@dataclass(frozen=True)
class Trace:
    """The trace of one call."""

    traced_s: float
    """Seconds of the call, tracing overhead included."""
    parts: Mapping[Category, float]
    """Seconds within operators, by category."""
    reorder_s: float | None = 0.0
    """The part of `data` that convolutions spend on layout conversion; None if that is not told."""


class RanKernel(NamedTuple):
    """A kernel that ran in a call."""

    work: str
    implementation: str
    seconds: float


Tracer = Callable[[], Trace]
"""Runs and traces one call."""


@dataclass(frozen=True)
class Stamps:
    """Marks of moments within the work of a call."""

    take: Callable[[], Any]
    """Marks now, in the order of the device's work."""
    seconds: Callable[[Any, Any], float]
    """Returns the seconds from one mark to a later one, once the work is done."""
    is_of_host: bool = True
    """Whether the host's own work lies between marks, and not the work that it has queued."""
    is_simulated: bool = False
    """Whether time stands still while a mark is taken."""


@dataclass(frozen=True)
class Health:
    """The clock of an accelerator at one moment. None: the driver does not say."""

    clock_hz: float | None
    throttled: tuple[str, ...] | None
    """The reasons for which the clock is throttled, in the driver's words, a power cap apart."""
    default_clock_hz: float | None = None
    """The clock at which it runs unless something holds it down."""
    is_capped: bool | None = None
    """Whether the clock is lowered to stay below the power limit, as is normal on small cards."""


@dataclass(frozen=True)
class Readings:
    """What else an accelerator says of itself at one moment. None: the driver does not say."""

    temperature_c: float | None = None
    power_w: float | None = None
    utilisation: float | None = None
    """The share of the last moments in which some kernel ran, whoever started it."""
    other_processes: int | None = None
    """The number of processes besides this one that hold memory of it."""


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
    starts_slowly: ClassVar[bool] = False
    """Whether each process pays seconds for the device's context and for its libraries' search."""
    chooses_kernels: ClassVar[bool] = False
    """Whether a library chooses the kernels anew in each process, so that `kernels` may differ."""
    errors_stick: ClassVar[bool] = False
    """Whether an error may leave the device unusable for this process, like a GPU kernel error."""
    leads: ClassVar[bool] = False
    """Whether its timers queue an untimed call themselves, so that a sample begins on a busy device."""
    pinned: ClassVar[bool] = False
    """Whether workers that are sampled in turn should run on the same core."""
    slows_denormals: ClassVar[bool] = False
    """Whether it computes more slowly with denormal numbers, and can take them for zero."""
    resolution_s: ClassVar[float] = 1e-7
    """Resolution of the clock."""

    @abstractmethod
    def missing(self, index: int) -> str | None:
        """Return why device number `index` cannot be used, or None if it can."""

    def is_seen(self) -> bool | None:
        """Return whether this machine seems to have one; None if only torch can tell. It imports nothing."""
        return None

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

    def kernels_of(self, call: Callable[[], object], costs: Costs, index: int) -> list[RanKernel]:
        """Return the kernels of one call, in their order. It may slow down whatever the process does afterwards.

        Raises NotImplementedError if the device does not name them.
        """
        raise NotImplementedError(f"a {self.title} does not tell here which kernels run")

    def counted(self, call: Callable[[], object], calls: int) -> HardwareCounts | Uncounted:  # noqa: ARG002
        """Return what the processor counted in each of so many calls, or why it counted nothing.

        The reason is empty if networks do not run on a processor of the host.
        """
        return ""

    def stamps(self, index: int) -> Stamps:
        """Return how to mark moments within a call.

        Raises NotImplementedError if the device has no order of its work to mark.
        """
        raise NotImplementedError(f"a {self.title} does not tell here when each layer begins")

    def pace(self) -> Callable[[], float] | None:
        """Return what does a fixed piece of work in a core's first cache, and returns its seconds.

        None if networks do not run on a core of the host.
        """
        return None

    def settle(self, index: int) -> None:  # noqa: ARG002
        """Wait until all work is done."""
        return

    def peak_bytes(self, call: Callable[[], object], index: int) -> int | None:  # noqa: ARG002
        """Return the most bytes that the device's allocator gave out during `call`; None if it does not say."""
        return None

    def caches(self, threads: int, index: int) -> Mapping[str, int]:  # noqa: ARG002
        """Return the bytes that each level of its caches holds for so many threads, the smallest first, by name."""
        return {}

    def health(self, index: int) -> Health | None:  # noqa: ARG002
        """Return the state of the device's clock, or None if it cannot be read."""
        return None

    def readings(self, index: int) -> Readings:  # noqa: ARG002
        """Return the device's temperature, power and use by others, as far as they are known."""
        return Readings()

    def kernels(self, call: Callable[[], object], index: int) -> str | None:  # noqa: ARG002
        """Return a short hash of the names of the kernels of a call; None if it is not known.

        It may slow down whatever the process does afterwards.
        """
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


def device_named(name: str) -> Device:
    """Return the device of a name such as "cuda:1"."""
    return DEVICES[split_name(name)[0]]
