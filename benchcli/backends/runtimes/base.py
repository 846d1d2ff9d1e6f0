"""The interface of a runtime: it turns a network and its input into one callable."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, ClassVar

from benchcli.backends.devices.base import Device
from benchcli.registry import Registry

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

Call = Callable[[], Any]
"""Runs a network once and returns its outputs."""


class Runtime(ABC):
    """One way to execute a network. Subclass it in a file of this package; register an instance."""

    name: ClassVar[str]
    title: ClassVar[str]
    captures: ClassVar[bool] = False
    """Whether a prepared call replays memory that it was prepared with, which another network could reuse."""

    def missing(self, device: Device) -> str | None:  # noqa: ARG002
        """Return why the runtime cannot use this kind of device, or None if it can."""
        return None

    @abstractmethod
    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", device: Device, index: int) -> Call:
        """Return a callable that runs the network once on `inputs` and returns its output.

        The network and `inputs` are on the device. Raises NotImplementedError if the runtime cannot
        use this kind of device.
        """


RUNTIMES: Registry[Runtime] = Registry("runtime", "benchcli.backends.runtimes")
