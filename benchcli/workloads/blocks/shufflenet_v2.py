"""The units of ShuffleNet V2 (Ma et al., ECCV 2018, Figure 3c and d)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchcli.workloads.blocks.base import BLOCKS, Block, halved

if TYPE_CHECKING:
    from torch import nn


class ShuffleNetV2(Block):
    """1x1, depthwise 3x3 and 1x1 on half of the channels, then a shuffle with the other half."""

    name = "shufflenet-v2"
    title = "ShuffleNet V2 unit"
    source = "Ma et al., ECCV 2018, Figure 3c and d"
    published = "ShuffleNet v2"

    @property
    def breaks(self) -> Mapping[str, str]:
        """None: its authors designed it by the guidelines."""
        return {}

    @property
    def multiple(self) -> int:
        """2, since the channels are split in halves."""
        return 2

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w (c c / 2 + 9 c / 2); with stride 2 both branches take all channels."""
        plane = halved(size, stride) ** 2
        if stride == 1:
            return plane * (channels * channels + 9 * channels) // 2
        left = plane * (9 * channels + channels * channels)
        return left + size * size * channels * channels + plane * (9 * channels + channels * channels)

    def unit(self, c_in: int, c_out: int, stride: int) -> "nn.Module":
        """Return one unit."""
        return unit(c_in, c_out, stride)


def unit(c_in: int, c_out: int, stride: int, even: bool = False) -> "nn.Module":
    """Return one unit.

    With stride 2 both branches take the whole input. In the authors' code the left branch has as
    many output channels as input channels. With `even`, as in torchvision, each branch has half of
    c_out.
    """
    from torch import nn

    from benchcli.workloads.modules import Concatenation, HalfThrough, conv_bn_act, depthwise

    middle = c_out // 2
    if stride == 1:
        half = nn.Sequential(conv_bn_act(middle, middle), depthwise(middle), conv_bn_act(middle, middle))
        return nn.Sequential(HalfThrough(half), nn.ChannelShuffle(2))
    left = middle if even else c_in
    branches = [
        nn.Sequential(depthwise(c_in, stride), conv_bn_act(c_in, left)),
        nn.Sequential(conv_bn_act(c_in, middle), depthwise(middle, stride), conv_bn_act(middle, c_out - left)),
    ]
    return nn.Sequential(Concatenation(branches), nn.ChannelShuffle(2))


BLOCKS.add(ShuffleNetV2())
