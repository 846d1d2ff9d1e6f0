"""What a runtime does for the measuring: turn a network and its input into one call."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, ClassVar

from benchcli.backends.devices.base import Device
from benchcli.registry import Registry

if TYPE_CHECKING:
    import torch

Call = Callable[[], "torch.Tensor"]


class Runtime(ABC):
    """One way to run a network. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    title: ClassVar[str]

    def missing(self, device: Device) -> str | None:  # noqa: ARG002
        """Say why it cannot run on this kind of device, or None where it can."""
        return None

    @abstractmethod
    def prepare(self, network: "torch.nn.Module", inputs: "torch.Tensor", device: Device, index: int) -> Call:
        """Return a call that runs the network once on `inputs`, which are on the device, and returns its output.

        Raises NotImplementedError where it cannot run on this kind of device.
        """


RUNTIMES: Registry[Runtime] = Registry("runtime", "benchcli.backends.runtimes")
