"""PyTorch's eager mode: operators are dispatched one by one."""

from typing import TYPE_CHECKING

from benchcli.backends.devices.base import Device
from benchcli.backends.runtimes.base import RUNTIMES, Call, Runtime

if TYPE_CHECKING:
    import torch


class Eager(Runtime):
    """Call the module as it is."""

    name = "eager"
    title = "PyTorch eager"

    def prepare(self, network: "torch.nn.Module", inputs: "torch.Tensor", device: Device, index: int) -> Call:  # noqa: ARG002
        """Return the module's call."""
        return lambda: network(inputs)


RUNTIMES.add(Eager())
