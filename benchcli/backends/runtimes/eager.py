"""PyTorch's eager mode, which dispatches operators one by one."""

from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Runtime

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs


class Eager(Runtime):
    """Calls the network without any transformation."""

    name = "eager"
    title = "PyTorch eager"
    trains = True

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:  # noqa: ARG002
        """Return a callable that calls the network."""
        return inputs.bound_to(network)


RUNTIMES.add(Eager())
