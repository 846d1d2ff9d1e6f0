"""The bottleneck of ResNet (He et al., CVPR 2016, Figure 5)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar

from benchcli.workloads.blocks.base import BLOCKS, Block, halved

if TYPE_CHECKING:
    from torch import nn

REDUCTION = 4


class ResNet(Block):
    """1x1 to a quarter of the channels, 3x3, 1x1 back, and a shortcut."""

    name = "resnet"
    title = "ResNet bottleneck"
    source = "He et al., CVPR 2016, Figure 5"
    reduction: ClassVar[int] = REDUCTION
    groups: ClassVar[int] = 1

    @property
    def breaks(self) -> Mapping[str, str]:
        """The bottleneck's channels and its element-wise operations."""
        return {"g1": "1×1 convolutions c to c/4 and back", "g4": "an addition and a ReLU on all c channels"}

    @property
    def multiple(self) -> int:
        """The groups must divide the channels of the bottleneck."""
        return self.reduction * self.groups

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w (2 c m + 9 m m / g), m = c / reduction; stride 2 adds the shortcut's convolution."""
        out, plane, outer = stride * channels, halved(size, stride) ** 2, size * size
        middle = out // self.reduction
        projected = plane * channels * out if stride > 1 else 0
        return outer * channels * middle + plane * (9 * middle * middle // self.groups + middle * out) + projected

    def unit(self, c_in: int, c_out: int, stride: int) -> "nn.Module":
        """Return one unit."""
        return unit(c_in, c_out, stride, c_out // self.reduction, self.groups)


def unit(
    c_in: int, c_out: int, stride: int, middle: int = 0, groups: int = 1, stride_first: bool = False
) -> "nn.Module":
    """Return one unit; its shortcut is a 1x1 convolution if the shape changes.

    `middle` is c_out/4 unless given. With `stride_first`, the stride is in the first 1x1
    convolution, as published. Later implementations have it in the 3x3 convolution.
    """
    from torch import nn

    from benchcli.workloads.modules import BESIDE_SHORTCUT, conv_bn_act, projected

    middle = middle or c_out // REDUCTION
    first, second = (stride, 1) if stride_first else (1, stride)
    body = nn.Sequential(
        conv_bn_act(c_in, middle, stride=first),
        conv_bn_act(middle, middle, 3, second, groups),
        conv_bn_act(middle, c_out, activation="none", gain=BESIDE_SHORTCUT),
    )
    return projected(body, c_in, c_out, stride)


BLOCKS.add(ResNet())
