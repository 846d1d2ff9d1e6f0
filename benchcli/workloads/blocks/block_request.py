"""Families of blocks at equal FLOPs, with the channels of each solved from a common width."""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from benchcli.errors import UserError
from benchcli.schema import Variant
from benchcli.settings import BLOCK_SIZE, BLOCK_WIDTH, STRIDE
from benchcli.spelling import given
from benchcli.workloads.blocks.base import BLOCKS, STRIDES, UNITS
from benchcli.workloads.requests import FamilyRequest

REFERENCE = "shufflenet-v2"
"""The baseline, and the block whose channels the width gives (as in ShuffleNet V2's appendix)."""
ALL = "all"


@dataclass(frozen=True, kw_only=True)
class BlockRequest(FamilyRequest):
    """A request for chains of blocks, each with the FLOPs of ShuffleNet V2's block at a width."""

    catalogue = "blocks"
    name: str = "blocks"
    blocks: tuple[str, ...] = (ALL,)
    width: int = BLOCK_WIDTH.default
    size: int = BLOCK_SIZE.default[0]
    units: int | None = None
    """Number of units in a chain; None: 10 with stride 1, and 1 with stride 2."""
    stride: int = STRIDE.default

    @property
    def widths(self) -> str:
        """The channels of the reference block."""
        return str(self.width)

    def variants(self) -> Iterator[Variant]:
        """Yield the blocks, the baseline first.

        Raises UserError if the channels, the stride or the plane do not fit.
        """
        units = self._units()
        for name in self._names():
            block = BLOCKS[name]
            channels = self.width if name == REFERENCE else block.solve(self._multiply_adds(), self.size, self.stride)
            params = {"channels": channels, "units": units, "stride": self.stride}
            yield Variant(name, block.builder, params, (channels, self.size, self.size), str(channels))

    def sized(self, size: int) -> "BlockRequest":
        """Return the request at a size."""
        return replace(self, size=size)

    def _names(self) -> list[str]:
        if self.blocks == (ALL,):
            return sorted((block.name for block in BLOCKS), key=lambda name: name != REFERENCE)
        return list(self.blocks)

    def _units(self) -> int:
        if self.stride not in STRIDES:
            raise UserError(f"a block's stride is 1 or 2, not {self.stride}")
        units = self.units or (UNITS if self.stride == 1 else 1)
        if self.stride == 2 and self.size < 2**units:
            raise UserError(
                f"a chain of {units} with stride 2 is too long for {self.size}×{self.size}: give a larger "
                f"{given('size')}"
            )
        return units

    def _multiply_adds(self) -> int:
        """Return the multiply-adds of one reference unit. Raises UserError if the width is odd."""
        reference = BLOCKS[REFERENCE]
        if self.width % reference.multiple:
            raise UserError(
                f"the width is ShuffleNet V2's channels, which are halved, and {self.width} is odd: "
                f"the nearest are {self.width - 1 or 2} and {self.width + 1}"
            )
        return reference.multiply_adds(self.width, self.size, self.stride)
