"""ShuffleNet V2 (Ma et al., ECCV 2018, Table 5)."""

from functools import partial
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, table_8

if TYPE_CHECKING:
    from torch import nn

CHANNELS = {
    "0.5x": (48, 96, 192, 1024),
    "1x": (116, 232, 464, 1024),
    "1.5x": (176, 352, 704, 1024),
    "2x": (244, 488, 976, 2048),
}
"""Width to the channels of stages 2 to 4 and of the last convolution."""
REPEATS = (4, 8, 4)
STEM = 24
GROUPS = {"0.5x": 40, "1x": 140, "1.5x": 300, "2x": 500}


def build(width: str, even: bool = False, classes: int = 1000) -> "nn.Module":
    """Return the network. Shapes: (N, 3, H, W) to (N, classes).

    With `even`, the units of stride 2 are torchvision's.
    """
    from torch import nn

    from benchcli.workloads.blocks.shufflenet_v2 import unit
    from benchcli.workloads.modules import Classifier, conv_bn_act

    *stages, last = CHANNELS[width]
    layers: list[nn.Module] = [conv_bn_act(3, STEM, 3, 2), nn.MaxPool2d(3, 2, 1)]
    c_in = STEM
    for channels, repeat in zip(stages, REPEATS, strict=True):
        layers += [unit(c_in, channels, 2, even), *(unit(channels, channels, 1) for _ in range(repeat - 1))]
        c_in = channels
    return nn.Sequential(*layers, conv_bn_act(c_in, last), Classifier(last, classes))


for _width in CHANNELS:
    NETWORKS.add(
        Network(
            name=f"shufflenet-v2-{_width}",
            title=f"ShuffleNet V2 {_width}",
            build=partial(build, _width),
            source="Ma et al., ECCV 2018, Table 5; units as in the authors' code",
            group=GROUPS[_width],
            printed=table_8(f"ShuffleNet v2 {_width} (ours)"),
        )
    )
    NETWORKS.add(
        Network(
            name=f"shufflenet-v2-{_width}-torchvision",
            title=f"ShuffleNet V2 {_width}, torchvision's",
            build=partial(build, _width, even=True),
            source="as in torchvision, where each branch of a unit of stride 2 gives half of the channels",
        )
    )
