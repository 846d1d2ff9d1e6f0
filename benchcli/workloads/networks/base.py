"""What is known of a network: what builds it, where it stands, and what was published of it.

Nothing here imports torch: only a network's `build` does, inside the worker that calls it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchcli.errors import UserError
from benchcli.registry import Registry
from benchcli.schema import BUILT_IN, Variant
from benchcli.workloads import papers

if TYPE_CHECKING:
    from torch import nn

GROUPS = (40, 140, 300, 500)
"""The levels of complexity, in MFLOPs, by which ShuffleNet V2's Table 8 compares networks."""
BASELINE = "shufflenet-v2-"
"""The network of a group that the others are divided by is the one whose name begins so."""
SIZE = 224
TABLE_8 = "shufflenetv2_table8_models"


@dataclass(frozen=True)
class Printed:
    """A row of a published table that is about a network."""

    table: str
    cells: Mapping[str, str]
    """Columns and values that name the row."""

    def number(self, column: str) -> float | None:
        """Return a number of the row; None where it has none there."""
        return papers.cell(self.table, column, **self.cells)

    @property
    def mflops(self) -> float | None:
        """Multiply-adds in millions, as printed."""
        giga = self.number("gflops")
        return self.number("mflops") if giga is None else 1000 * giga

    @property
    def top1_error(self) -> float | None:
        """Top-1 error on ImageNet's validation set, single centre crop, in per cent."""
        return self.number("top1_err_pct")


@dataclass(frozen=True)
class Network:
    """One network at its published input."""

    name: str
    title: str
    build: "Callable[[], nn.Module]"
    """Makes it, with random weights."""
    source: str
    group: int | None = None
    """Its level of complexity, in MFLOPs."""
    size: int = SIZE
    """Height and width of its input, an image of three channels."""
    least_size: int = 32
    """Below so many pixels its strides leave nothing."""
    printed: Printed | None = None

    def variant(self, size: int | None = None) -> Variant:
        """Return the network with its input. Raises UserError where that is too small."""
        pixels = size or self.size
        if pixels < self.least_size:
            raise UserError(
                f"{self.name} takes inputs from {self.least_size}×{self.least_size}, not {pixels}×{pixels}: "
                "its strides would leave nothing"
            )
        return Variant(self.name, f"{BUILT_IN}network/{self.name}", {}, (3, pixels, pixels), "3")


NETWORKS: Registry[Network] = Registry("network", "benchcli.workloads.networks")


def table_8(model: str) -> Printed:
    """Return a row of ShuffleNet V2's Table 8."""
    return Printed(TABLE_8, {"model": model})


def members(group: int) -> list[Network]:
    """Return the networks of a level of complexity, the baseline first. Raises UserError where there are none."""
    found = [network for network in NETWORKS if network.group == group]
    if not found:
        raise UserError(f"no networks of about {group} MFLOPs: known: {', '.join(map(str, GROUPS))}")
    return sorted(found, key=lambda network: not network.name.startswith(BASELINE))
