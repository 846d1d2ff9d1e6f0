"""ShuffleNet (Zhang et al., CVPR 2018, Table 1)."""

from functools import partial
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, Printed, table_8

if TYPE_CHECKING:
    from torch import nn

CHANNELS = {1: 144, 2: 200, 3: 240, 4: 272, 8: 384}
"""Number of groups to the channels of stage 2 at width 1x; each later stage doubles them."""
WIDTHS = {"0.25x": 6, "0.5x": 12, "1x": 24, "1.5x": 24, "2x": 48}
"""Width to the channels of the first convolution.

They are those of the authors' code, and for 0.25x those of the paper's scaling rule.
"""
REPEATS = (4, 8, 4)
GROUPS = {"0.5x": 40, "1x": 140, "1.5x": 300, "2x": 500}


def build(width: str, groups: int, shuffle: bool = True, classes: int = 1000) -> "nn.Module":
    """Return the network. Shapes: (N, 3, H, W) to (N, classes).

    As in the authors' code, the first convolution's channels are rounded up until the groups divide
    the channels that the first unit adds. Raises ValueError if the groups do not divide the
    channels.
    """
    from torch import nn

    from benchcli.workloads.blocks.shufflenet_v1 import unit
    from benchcli.workloads.modules import Classifier, conv_bn_act

    channels = round(CHANNELS.get(groups, CHANNELS[8]) * float(width.removesuffix("x")))
    if channels % groups:
        raise ValueError(f"{groups} groups do not divide {channels} channels: the paper's groups are {list(CHANNELS)}")
    c_in = next(stem for stem in range(WIDTHS[width], WIDTHS[width] + groups) if (channels - stem) % groups == 0)
    layers: list[nn.Module] = [conv_bn_act(3, c_in, 3, 2), nn.MaxPool2d(3, 2, 1)]
    for stage, repeat in enumerate(REPEATS):
        # The first convolution of stage 2 has too few input channels for groups (Table 1).
        layers.append(unit(c_in, channels, 2, groups, shuffle, 1 if stage == 0 else groups))
        layers += [unit(channels, channels, 1, groups, shuffle) for _ in range(repeat - 1)]
        c_in, channels = channels, 2 * channels
    return nn.Sequential(*layers, Classifier(c_in, classes))


def _printed(width: str, groups: int) -> Printed | None:
    if groups == 3 and width in GROUPS:
        return table_8(f"ShuffleNet v1 {width} (g=3)")
    if width in ("0.25x", "0.5x", "1x"):
        return Printed("shufflenetv1_table2_groups", {"width": width, "groups": str(groups)})
    return None


def _add(width: str, groups: int) -> None:
    NETWORKS.add(
        Network(
            name=f"shufflenet-v1-{width}-g{groups}",
            title=f"ShuffleNet {width} (g={groups})",
            build=partial(build, width, groups),
            source="Zhang et al., CVPR 2018, Table 1",
            group=GROUPS.get(width) if groups == 3 else None,
            printed=_printed(width, groups),
        )
    )


for _width in WIDTHS:
    for _groups in CHANNELS:
        _add(_width, _groups)
