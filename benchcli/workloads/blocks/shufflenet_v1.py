"""The units of ShuffleNet (Zhang et al., CVPR 2018, Figure 2b and c)."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from benchcli.workloads.blocks.base import BLOCKS, Block, halved

if TYPE_CHECKING:
    from torch import nn

GROUPS = (1, 2, 3, 4, 8)
"""The numbers of groups in the paper's Table 1."""
REDUCTION = 4


class ShuffleNetV1(Block):
    """A grouped 1x1, channel shuffle, depthwise 3x3 and grouped 1x1, with a shortcut.

    The first convolution reduces the channels to a quarter, the last one expands them again.
    """

    source = "Zhang et al., CVPR 2018, Figure 2b and c"

    def __init__(self, groups: int, shuffle: bool = True) -> None:
        self.groups = groups
        self.shuffle = shuffle
        self.name = f"shufflenet-v1-g{groups}" + ("" if shuffle else "-unshuffled")
        self.title = f"ShuffleNet unit, {groups} group{'s' if groups > 1 else ''}" + (
            "" if shuffle else ", no channel shuffle"
        )
        self.published = "ShuffleNet v1" if groups == 3 and shuffle else None

    @property
    def breaks(self) -> Mapping[str, str]:
        """The reasons that Section 2 of ShuffleNet V2 gives."""
        grouped = {"g2": "1×1 convolutions in groups"} if self.groups > 1 else {}
        return {
            "g1": "1×1 convolutions c to c/4 and back",
            **grouped,
            "g4": "an addition and a ReLU on all c channels",
        }

    @property
    def multiple(self) -> int:
        """The groups must divide the channels of the bottleneck."""
        return REDUCTION * self.groups

    def multiply_adds(self, channels: int, size: int, stride: int) -> int:
        """h w (2 c m / g + 9 m), m = c'/4; with stride 2, half of the output is the shortcut's."""
        plane, middle = halved(size, stride) ** 2, stride * channels // REDUCTION
        return (size * size * channels + plane * channels) * middle // self.groups + plane * 9 * middle

    def unit(self, c_in: int, c_out: int, stride: int) -> "nn.Module":
        """Return one unit."""
        return unit(c_in, c_out, stride, self.groups, self.shuffle)


def unit(
    c_in: int, c_out: int, stride: int, groups: int, shuffle: bool = True, first_groups: int | None = None
) -> "nn.Module":
    """Return one unit. With stride 2 the shortcut is an average pool, concatenated with the body.

    A quarter of the channels is rounded up to a multiple of the groups. The shuffle is before the
    depthwise convolution, as in the figure. In the authors' code it is after.
    """
    from torch import nn

    from benchcli.workloads.modules import BESIDE_SHORTCUT, Concatenation, Residual, conv_bn_act, depthwise

    middle = -(-(c_out // REDUCTION) // groups) * groups
    added = c_out if stride == 1 else c_out - c_in
    body = nn.Sequential(
        conv_bn_act(c_in, middle, groups=groups if first_groups is None else first_groups),
        *([nn.ChannelShuffle(groups)] if shuffle and groups > 1 else []),
        depthwise(middle, stride),
        conv_bn_act(middle, added, groups=groups, activation="none", gain=BESIDE_SHORTCUT if stride == 1 else None),
    )
    if stride == 1:
        return Residual(body)
    return nn.Sequential(Concatenation([nn.AvgPool2d(3, stride, 1), body]), nn.ReLU(inplace=True))


for _groups in GROUPS:
    BLOCKS.add(ShuffleNetV1(_groups))
for _groups in GROUPS[1:]:
    BLOCKS.add(ShuffleNetV1(_groups, shuffle=False))
