"""The unit of ResNeXt (Xie et al., CVPR 2017, Figure 3c), with ShuffleNet V1's choice of ratio and cardinality."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchcli.blocks.base import BLOCKS, Block, chain, halved

if TYPE_CHECKING:
    from torch import nn

CARDINALITY = 16
REDUCTION = 2
"""ShuffleNet V1, Section 4.2: "the cardinality is 16 and the bottleneck ratio is 1:2"."""


class ResNeXt(Block):
    """1x1 to half of the channels, a grouped 3x3, 1x1 back, and a shortcut."""

    name = "resnext"
    title = f"ResNeXt unit, {CARDINALITY} groups"
    source = "Xie et al., CVPR 2017, Figure 3c; ratio and cardinality of ShuffleNet V1, Section 4.2"

    @property
    def breaks(self) -> Mapping[str, str]:
        """The bottleneck's widths, its groups and its addition."""
        return {
            "g1": "1×1 convolutions c to c/2 and back",
            "g2": f"a 3×3 convolution in {CARDINALITY} groups",
            "g4": "an addition and a ReLU on all c channels",
        }

    @property
    def multiple(self) -> int:
        """Every group has channels of the bottleneck."""
        return REDUCTION * CARDINALITY

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w (2 c m + 9 m m / g), m = c/2, and the shortcut's convolution where the unit strides."""
        out, plane, outer = stride * channels, halved(size, stride) ** 2, size * size
        middle = out // REDUCTION
        projected = plane * channels * out if stride > 1 else 0
        return outer * channels * middle + plane * (9 * middle * middle // CARDINALITY + middle * out) + projected


def unit(c_in: int, c_out: int, stride: int) -> "nn.Module":
    """Return one unit."""
    from benchcli.blocks import resnet

    return resnet.unit(c_in, c_out, stride, middle=c_out // REDUCTION, groups=CARDINALITY)


def build(channels: int, units: int, stride: int) -> "nn.Module":
    """Return the units in a chain."""
    return chain(channels, units, stride, unit)


BLOCKS.add(ResNeXt())
