"""A graph of the kernels that eager mode launches, replayed with one launch: what is left is the device's own time."""

from typing import TYPE_CHECKING

from benchcli.devices.base import Device
from benchcli.runtimes.base import RUNTIMES, Call, Runtime

if TYPE_CHECKING:
    import torch


class Graph(Runtime):
    """Capture eager mode's kernels once and replay them."""

    name = "graph"
    title = "PyTorch eager, captured as a CUDA graph"

    def prepare(self, network: "torch.nn.Module", inputs: "torch.Tensor", device: Device, index: int) -> Call:
        """Return the replay of the module's call."""
        return device.capture(lambda: network(inputs), index)


RUNTIMES.add(Graph())
