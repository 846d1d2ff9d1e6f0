"""A light Xception, reconstructed from what ShuffleNet V2 and Light-Head R-CNN published.

ShuffleNet V2 compares with "Xception" at four widths. It calls it a light variant (after Light-Head
R-CNN, Li et al., 2017) and prints its FLOPs: 40, 145, 305 and 525 million. The repeats are those of
Light-Head R-CNN. The units (`workloads.blocks.xception`) and channels are inferred. The channels
below give all four printed FLOPs (39.5, 144.8, 304.6, 525.4 million). The channels 144, 288 and
576, which are sometimes quoted, give none of them (55, 179, 380, 659 million).
"""

from functools import partial
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, table_8

if TYPE_CHECKING:
    from torch import nn

STAGES = ((128, 4), (256, 8), (512, 4))
"""Output channels at width 1x, and units of each stage; the first unit has stride 2."""
STEMS = {"0.5x": 8}
"""Width to the channels of the first convolution, if they are not 24."""
GROUPS = {"0.5x": 40, "1x": 140, "1.5x": 300, "2x": 500}


def build(width: str, classes: int = 1000) -> "nn.Module":
    """Return the network. Shapes: (N, 3, H, W) to (N, classes)."""
    from torch import nn

    from benchcli.workloads.blocks.xception import unit
    from benchcli.workloads.modules import Classifier, conv_bn_act

    factor = float(width.removesuffix("x"))
    c_in = STEMS.get(width, 24)
    layers: list[nn.Module] = [conv_bn_act(3, c_in, 3, 2), nn.MaxPool2d(3, 2, 1)]
    for published, repeat in STAGES:
        channels = round(published * factor)
        layers += [unit(c_in, channels, 2), *(unit(channels, channels, 1) for _ in range(repeat - 1))]
        c_in = channels
    return nn.Sequential(*layers, Classifier(c_in, classes))


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
