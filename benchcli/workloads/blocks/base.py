"""The interface of a block: its channels, its multiply-adds and the guidelines that it breaks.

This module does not import torch. Only a block's `build` does, in the worker that calls it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING, ClassVar

from benchcli.errors import UserError
from benchcli.registry import Registry
from benchcli.schema import BUILT_IN
from benchcli.spelling import given
from benchcli.workloads import papers
from benchcli.workloads.guidelines.base import RULES

if TYPE_CHECKING:
    from torch import nn

STRIDES = (1, 2)
UNITS = 10
"""Units in a chain, as in the appendix of ShuffleNet V2 (Table 1b)."""
UNITS_TABLE = "shufflenetv2_appendix_table1b_units"


class Block(ABC):
    """One kind of unit. Subclass it in a file of this package and register one or more instances.

    With stride 1 a unit keeps its channels; with stride 2 it doubles them and halves the plane.
    """

    name: str
    title: str
    source: ClassVar[str]
    """The paper that published the unit, with the figure or table of its details."""
    published: str | None = None
    """The unit's name in ShuffleNet V2's appendix, Table 1(b); None if it is not there."""

    @property
    @abstractmethod
    def breaks(self) -> Mapping[str, str]:
        """The guidelines that a unit of stride 1 breaks, each with the reason."""

    @property
    def multiple(self) -> int:
        """The number of which the channels must be a multiple."""
        return 1

    @abstractmethod
    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """Return the multiply-adds of one unit.

        `channels` are its input channels; `size` is the height and width of its input.
        """

    @abstractmethod
    def unit(self, c_in: int, c_out: int, stride: int) -> "nn.Module":
        """Return one unit. Shapes: (N, c_in, H, W) to (N, c_out, H/stride, W/stride)."""

    def build(self, channels: int, units: int, stride: int) -> "nn.Module":
        """Return a chain of units. Units of stride 2 double the channels.

        Shapes, for n units of stride s: (N, C, H, W) to (N, C s^n, H/s^n, W/s^n).
        """
        from torch import nn

        widths = [channels * stride**step for step in range(units + 1)]
        return nn.Sequential(*(self.unit(*pair, stride) for pair in pairwise(widths)))

    @property
    def builder(self) -> str:
        """The recorded name of the function that builds a chain of units."""
        return f"{BUILT_IN}block/{self.name}"

    @property
    def follows(self) -> tuple[str, ...]:
        """The guidelines that a unit of stride 1 does not break."""
        return tuple(each.name for each in RULES if each.name not in self.breaks)

    def solve(self, multiply_adds: int, size: int, stride: int) -> int:
        """Return the channels with the nearest multiply-adds.

        Raises UserError if even the fewest channels have more than twice the multiply-adds.
        """
        step = self.multiple
        low, high = 1, 2
        while self.multiply_adds(high * step, size, stride) < multiply_adds:
            low, high = high, 2 * high
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (middle, high) if self.multiply_adds(middle * step, size, stride) < multiply_adds else (low, middle)
            )
        best = min((low, high), key=lambda n: abs(self.multiply_adds(n * step, size, stride) - multiply_adds))
        if self.multiply_adds(best * step, size, stride) > 2 * multiply_adds:
            raise UserError(
                f"{self.name} of {best * step} channels already exceeds the FLOPs to match: give a larger "
                f"{given('width')}"
            )
        return best * step

    def paper_relative_speed(self, width: int, size: int, baseline: str) -> float | None:
        """Return the published speed of ten units divided by the baseline's, on the paper's phone.

        Returns None if the paper does not have both. It does not use the table's GPU column, whose
        figures are erratic in the paper itself.
        """
        speed, baseline_speed = (
            papers.cell(UNITS_TABLE, "arm_images_per_s", input=f"{size}x{size}", unit=unit or "", c=str(width))
            for unit in (self.published, BLOCKS[baseline].published)
        )
        return speed / baseline_speed if speed and baseline_speed else None


BLOCKS: Registry[Block] = Registry("block", "benchcli.workloads.blocks")


def halved(size: int, stride: int) -> int:
    """Return the size of the output plane of a 3x3 convolution with padding 1."""
    return -(-size // stride)
