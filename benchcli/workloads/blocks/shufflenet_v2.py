"""The units of ShuffleNet V2 (Ma et al., ECCV 2018, Figure 3c and d)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchcli.workloads.blocks.base import BLOCKS, Block, halved

if TYPE_CHECKING:
    from torch import nn


class ShuffleNetV2(Block):
    """Half of the channels pass, half go through 1x1, depthwise 3x3 and 1x1; then both are shuffled."""

    name = "shufflenet-v2"
    title = "ShuffleNet V2 unit"
    source = "Ma et al., ECCV 2018, Figure 3c and d"
    published = "ShuffleNet v2"

    @property
    def breaks(self) -> Mapping[str, str]:
        """None: it was made after the guidelines."""
        return {}

    @property
    def multiple(self) -> int:
        """The two halves."""
        return 2

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w (c c / 2 + 9 c / 2); with stride 2 all channels go through both branches."""
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

    With stride 2 both branches begin at all of the input. The authors' left branch keeps the channels that come in;
    with `even`, as in torchvision, both bring half of those that come out.
    """
    from torch import nn

    from benchcli.workloads.layers import Concatenation, HalfThrough, conv_bn_act, depthwise

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
