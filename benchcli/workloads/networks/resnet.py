"""ResNet-50 (He et al., CVPR 2016, Table 1) and ResNeXt-50 (Xie et al., CVPR 2017, Table 1)."""

from functools import partial
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, Printed

if TYPE_CHECKING:
    from torch import nn

STAGES = ((256, 3), (512, 4), (1024, 6), (2048, 3))
"""Output channels and number of units of each stage."""
STEM = 64


def build(groups: int = 1, ratio: int = 4, stride_first: bool = False, classes: int = 1000) -> "nn.Module":
    """Return the network. Shapes: (N, 3, H, W) to (N, classes).

    `ratio` is a unit's channels divided by its bottleneck's. With `stride_first`, the stride is in
    a unit's first 1x1 convolution, as published. Later implementations have it in the 3x3
    convolution.
    """
    from torch import nn

    from benchcli.workloads.blocks.resnet import unit
    from benchcli.workloads.modules import Classifier, conv_bn_act

    layers: list[nn.Module] = [conv_bn_act(3, STEM, 7, 2), nn.MaxPool2d(3, 2, 1)]
    c_in = STEM
    for stage, (channels, repeat) in enumerate(STAGES):
        for stride in (1 if stage == 0 else 2, *[1] * (repeat - 1)):
            layers.append(unit(c_in, channels, stride, channels // ratio, groups, stride_first))
            c_in = channels
    return nn.Sequential(*layers, Classifier(c_in, classes))


NETWORKS.add(
    Network(
        name="resnet-50",
        title="ResNet-50",
        build=build,
        source="He et al., CVPR 2016, Table 1, with the strides in the 3×3 convolutions, as in torchvision",
    )
)
NETWORKS.add(
    Network(
        name="resnet-50-2016",
        title="ResNet-50, strides as published",
        build=partial(build, stride_first=True),
        source="He et al., CVPR 2016, Table 1",
        printed=Printed("shufflenetv2_table6_large", {"model": "ResNet-50"}),
    )
)
NETWORKS.add(
    Network(
        name="resnext-50-32x4d",
        title="ResNeXt-50 32×4d",
        build=partial(build, groups=32, ratio=2),
        source="Xie et al., CVPR 2017, Table 1, with the strides in the 3×3 convolutions",
    )
)
