"""The block of MobileNet (Howard et al., 2017, Figure 3)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchcli.workloads.blocks.base import BLOCKS, Block, halved

if TYPE_CHECKING:
    from torch import nn


class MobileNetV1(Block):
    """A depthwise 3x3 convolution and a 1x1 convolution, each with a ReLU."""

    name = "mobilenet-v1"
    title = "MobileNet block"
    source = "Howard et al., 2017 (arXiv 1704.04861), Figure 3"

    @property
    def breaks(self) -> Mapping[str, str]:
        """None, since input and output channels are equal."""
        return {}

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w (9 c + c c')."""
        return halved(size, stride) ** 2 * (9 * channels + channels * stride * channels)

    def unit(self, c_in: int, c_out: int, stride: int) -> "nn.Module":
        """Return one unit."""
        return unit(c_in, c_out, stride)


def unit(c_in: int, c_out: int, stride: int) -> "nn.Module":
    """Return one block."""
    from torch import nn

    from benchcli.workloads.modules import conv_bn_act, depthwise

    return nn.Sequential(depthwise(c_in, stride, "relu"), conv_bn_act(c_in, c_out))


BLOCKS.add(MobileNetV1())
