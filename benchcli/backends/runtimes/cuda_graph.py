"""CUDA graphs: eager mode's kernels, captured once and replayed with one launch.

The host no longer limits the speed, so that the time of a replay is the device's own time.
"""

from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.backends.devices.base import Device
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Runtime
from benchcli.spelling import given

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs


class Graph(Runtime):
    """Captures eager mode's kernels once and replays them."""

    name = "graph"
    title = "PyTorch eager, captured as a CUDA graph (cuda only)"
    untraceable = {"layers": "calls the modules one by one, which a graph does not"}

    def missing(self, device: Device) -> str | None:
        """Return an error message if the device has no graphs, else None."""
        return (
            None
            if device.graphs
            else f"a {device.title} has no graphs to capture: leave {given('runtime', 'graph')} out"
        )

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:  # noqa: ARG002
        """Return a callable that replays the captured call of the network."""
        return place.device.capture(inputs.bound_to(network), place.index)


RUNTIMES.add(Graph())
