"""The interface of a network: its builder, its input and its published figures.

This module does not import torch. Only a network's `build` does, in the worker that calls it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchcli.errors import UserError
from benchcli.registry import Registry
from benchcli.schema import BUILT_IN, Variant
from benchcli.settings import GROUPS
from benchcli.spelling import given
from benchcli.workloads import papers

if TYPE_CHECKING:
    from torch import nn

BASELINE = "shufflenet-v2-"
"""Prefix of the name of a group's baseline."""
SIZE = 224
TABLE_8 = "shufflenetv2_table8_models"


@dataclass(frozen=True)
class Printed:
    """The row of a published table with a network's figures."""

    table: str
    cells: Mapping[str, str]
    """Columns and values that identify the row."""

    def number(self, column: str) -> float | None:
        """Return the number in a column of the row; None if the cell is empty."""
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
    """Returns the network with random weights."""
    source: str
    group: int | None = None
    """The complexity level in MFLOPs; None outside ShuffleNet V2's Table 8."""
    size: int = SIZE
    """Height and width of the input, an image with three channels."""
    least_size: int = 32
    """The smallest height and width for which the strides leave at least one pixel."""
    printed: Printed | None = None

    def variant(self, size: int | None = None) -> Variant:
        """Return the network with its input. Raises UserError if the input is too small."""
        pixels = size or self.size
        if pixels < self.least_size:
            raise UserError(
                f"{given('size', pixels)}: {self.name} takes inputs from {self.least_size}×{self.least_size}: "
                "its strides would leave nothing of smaller ones"
            )
        return Variant(self.name, f"{BUILT_IN}network/{self.name}", {}, (3, pixels, pixels), "3")


NETWORKS: Registry[Network] = Registry("network", "benchcli.workloads.networks")


def table_8(model: str) -> Printed:
    """Return a row of ShuffleNet V2's Table 8."""
    return Printed(TABLE_8, {"model": model})


def members(group: int) -> list[Network]:
    """Return the networks of a complexity level, the baseline first.

    Raises UserError if there are none.
    """
    networks = [network for network in NETWORKS if network.group == group]
    if not networks:
        raise UserError(f"no networks of about {group} MFLOPs: known: {', '.join(map(str, GROUPS))}")
    return sorted(networks, key=lambda network: not network.name.startswith(BASELINE))
