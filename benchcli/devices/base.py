"""What a device does for the measuring. torch is imported only inside the methods that workers call."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, ClassVar, Literal

from benchcli.plugins import Registry
from benchcli.schema import Costs

if TYPE_CHECKING:
    import torch

Facts = Mapping[str, str | int | float | bool | None]
Timer = Callable[[int], float]
"""Runs so many calls and returns the seconds that all of them took."""


class Device(ABC):
    """One kind of device. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    title: ClassVar[str]
    column: ClassVar[Literal["arm", "gpu"]]
    """The paper's column that this kind of device is compared with."""
    hidden: ClassVar[bool] = False
    warm_up_s: ClassVar[float] = 0.0
    """Least time of warm-up: clocks of accelerators rise slowly."""
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

    def configure(self, threads: int, index: int) -> None:  # noqa: ARG002
        """Set what torch must be told before anything runs in this process."""
        import torch

        torch.set_num_threads(threads)


DEVICES: Registry[Device] = Registry("device", "benchcli.devices")


def split_name(device: str) -> tuple[str, int]:
    """Return the kind and the number in "cuda:1"; a name without a number is number 0."""
    kind, _, number = device.partition(":")
    return kind, int(number) if number.isdecimal() else 0
