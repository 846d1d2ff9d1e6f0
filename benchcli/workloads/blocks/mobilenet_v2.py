"""The inverted residual of MobileNet V2 (Sandler et al., CVPR 2018, Table 1 and Figure 4)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchcli.workloads.blocks.base import BLOCKS, Block, halved

if TYPE_CHECKING:
    from torch import nn

EXPANSION = 6


class MobileNetV2(Block):
    """1x1 to six times the channels, a depthwise 3x3, a linear 1x1 back, and a shortcut."""

    name = "mobilenet-v2"
    title = "MobileNet V2 inverted residual"
    source = "Sandler et al., CVPR 2018, Table 1 and Figure 4"
    published = "MobileNet v2"

    @property
    def breaks(self) -> Mapping[str, str]:
        """The reasons that Section 2 of ShuffleNet V2 gives."""
        return {
            "g1": f"1×1 convolutions c to {EXPANSION}c and back",
            "g4": f"a depthwise convolution and ReLUs on {EXPANSION}c channels, and an addition",
        }

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w c t (c + 9 + c'); the expansion has the size of the input plane."""
        middle, plane = EXPANSION * channels, halved(size, stride) ** 2
        return size * size * channels * middle + plane * middle * (9 + stride * channels)

    def unit(self, c_in: int, c_out: int, stride: int) -> "nn.Module":
        """Return one unit."""
        return unit(c_in, c_out, stride)


def unit(c_in: int, c_out: int, stride: int, expansion: int = EXPANSION) -> "nn.Module":
    """Return one unit.

    With an expansion of 1 there is no first convolution. If the shapes differ there is no shortcut.
    """
    from torch import nn

    from benchcli.workloads.modules import BESIDE_SHORTCUT, Residual, conv_bn_act, depthwise

    middle, same = expansion * c_in, stride == 1 and c_in == c_out
    body = nn.Sequential(
        *([conv_bn_act(c_in, middle, activation="relu6")] if expansion > 1 else []),
        depthwise(middle, stride, "relu6"),
        conv_bn_act(middle, c_out, activation="none", gain=BESIDE_SHORTCUT if same else None),
    )
    return Residual(body, activation=False) if same else body


BLOCKS.add(MobileNetV2())
