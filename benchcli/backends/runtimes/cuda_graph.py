"""A graph of the kernels that eager mode launches, replayed with one launch: what is left is the device's own time."""

from typing import TYPE_CHECKING

from benchcli.backends.devices.base import Device
from benchcli.backends.runtimes.base import RUNTIMES, Call, Runtime

if TYPE_CHECKING:
    import torch


class Graph(Runtime):
    """Capture eager mode's kernels once and replay them."""

    name = "graph"
    title = "PyTorch eager, captured as a CUDA graph (cuda only)"

    def missing(self, device: Device) -> str | None:
        """Say that the device has no graphs."""
        return None if device.graphs else f"a {device.title} has no graphs to capture: leave --runtime graph out"

    def prepare(self, network: "torch.nn.Module", inputs: "torch.Tensor", device: Device, index: int) -> Call:
        """Return the replay of the module's call."""
        return device.capture(lambda: network(inputs), index)


RUNTIMES.add(Graph())
