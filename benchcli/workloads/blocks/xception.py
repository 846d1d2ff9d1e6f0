"""The unit of a light Xception, partly inferred.

Neither ShuffleNet paper prints the unit that it measured. V2 names a light variant after Light-Head
R-CNN (Li et al., 2017) and gives its receptive field: 7, that of a chain of three 3x3 convolutions.
The reduction to a quarter is inferred: it gives the published FLOPs
(`benchcli.workloads.networks.xception`).
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchcli.workloads.blocks.base import BLOCKS, Block, halved

if TYPE_CHECKING:
    from torch import nn

REDUCTION = 4


class Xception(Block):
    """Three separable convolutions that reduce the channels to a quarter, and a shortcut."""

    name = "xception"
    title = "Xception-like unit"
    source = "after Li et al., 2017 (Light-Head R-CNN); the papers do not print this unit, so it is partly inferred"
    published = "Xception"

    @property
    def breaks(self) -> Mapping[str, str]:
        """The bottleneck's channels and its element-wise operations."""
        return {"g1": "1×1 convolutions c to c/4 and back", "g4": "an addition and a ReLU on all c channels"}

    @property
    def multiple(self) -> int:
        """The bottleneck's reduction."""
        return REDUCTION

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w (9 (c + 2 m) + 2 c m + m m), m = c/4; stride 2 adds the shortcut's convolution."""
        out, plane = stride * channels, halved(size, stride) ** 2
        middle = out // REDUCTION
        projected = channels * out if stride > 1 else 0
        return plane * (9 * (channels + 2 * middle) + middle * (channels + middle + out) + projected)

    def unit(self, c_in: int, c_out: int, stride: int) -> "nn.Module":
        """Return one unit."""
        return unit(c_in, c_out, stride)


def unit(c_in: int, c_out: int, stride: int) -> "nn.Module":
    """Return one unit. The stride is in the first depthwise convolution."""
    from torch import nn

    from benchcli.workloads.modules import BESIDE_SHORTCUT, conv_bn_act, depthwise, projected, separable

    middle = c_out // REDUCTION
    last = conv_bn_act(middle, c_out, activation="none", gain=BESIDE_SHORTCUT)
    body = nn.Sequential(separable(c_in, middle, stride), separable(middle, middle), depthwise(middle), last)
    return projected(body, c_in, c_out, stride)


BLOCKS.add(Xception())
