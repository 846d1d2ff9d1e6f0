"""Xception as light networks have it, as far as it is published.

ShuffleNet V2 compares with "Xception" at four widths, says that it is a light variant (after Light-Head R-CNN, Li et
al., 2017), and prints its FLOPs: 40, 145, 305 and 525 millions. The repeats are Light-Head R-CNN's. Its units
(`workloads.blocks.xception`) and channels are inferred: with those below all four FLOPs are met to the digit (39.5,
144.8, 304.6, 525.4), and with the channels that are sometimes quoted, 144, 288 and 576, none is (55, 179, 380, 659).
"""

from functools import partial
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, table_8

if TYPE_CHECKING:
    from torch import nn

STAGES = ((128, 4), (256, 8), (512, 4))
"""Channels at width 1x, and units; the first of a stage strides."""
STEMS = {"0.5x": 8}
"""Channels of the first convolution where they are not 24."""
GROUPS = {"0.5x": 40, "1x": 140, "1.5x": 300, "2x": 500}


def build(width: str, classes: int = 1000) -> "nn.Module":
    """Return the network. Shapes: (N, 3, H, W) to (N, classes)."""
    from torch import nn

    from benchcli.workloads.blocks.xception import unit
    from benchcli.workloads.layers import Classifier, conv_bn_act

    factor = float(width.removesuffix("x"))
    before = STEMS.get(width, 24)
    layers: list[nn.Module] = [conv_bn_act(3, before, 3, 2), nn.MaxPool2d(3, 2, 1)]
    for published, repeat in STAGES:
        channels = round(published * factor)
        layers += [unit(before, channels, 2), *(unit(channels, channels, 1) for _ in range(repeat - 1))]
        before = channels
    return nn.Sequential(*layers, Classifier(before, classes))


for _width, _group in GROUPS.items():
    NETWORKS.add(
        Network(
            name=f"xception-{_width}",
            title=f"Xception-like {_width}",
            build=partial(build, _width),
            source="Li et al., 2017 (Light-Head R-CNN); its units and channels are inferred",
            group=_group,
            printed=table_8(f"Xception {_width} (our impl.)"),
        )
    )
