"""What the tests of runtimes that write a file share: networks, and an export as workers do it."""

from collections.abc import Sequence
from pathlib import Path

import torch
from torch import nn

from benchcli.backends.devices.base import DEVICES
from benchcli.backends.runtimes.base import Call, Place, RanNode, Runtime
from benchcli.cost.inputs import Inputs


class Attention(nn.Module):
    """Self-attention over a sequence."""

    def __init__(self) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(16, 4, batch_first=True)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        found: torch.Tensor = self.attention(x, x, x, need_weights=False)[0]
        return found


class Sorted(nn.Module):
    """An operator that small runtimes lack."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return torch.sort(x, -1)[0]


def profiled(
    runtime: Runtime, network: nn.Module, inputs: Inputs, folder: Path, calls: int = 3
) -> Sequence[Sequence[RanNode]]:
    """Export, and return the nodes of several calls by the runtime's own profiler."""
    prepared(runtime, network, inputs, folder)
    profiler = runtime.profiler(network, inputs, Place(DEVICES["cpu"], 0, 1), folder / "artifact")
    assert profiler
    for _ in range(calls):
        profiler.call()
    found = profiler.finish()
    assert len(found) == calls
    assert all(sum(each.kernel.seconds for each in nodes) > 0 for nodes in found)
    return found


def prepared(runtime: Runtime, network: nn.Module, inputs: Inputs, folder: Path, threads: int = 1) -> Call:
    """Export and load as workers do it, and in their modes."""
    place = Place(DEVICES["cpu"], 0, threads)
    torch.set_num_threads(threads)
    with torch.no_grad():
        runtime.export(network, inputs, place, folder / "artifact")
    return runtime.prepare(network, inputs, place, folder / "artifact")
