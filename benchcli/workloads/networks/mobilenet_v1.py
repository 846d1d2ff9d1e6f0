"""MobileNet (Howard et al., 2017, Table 1)."""

from functools import partial
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, table_8

if TYPE_CHECKING:
    from torch import nn

BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1)),
    *((512, 2), (512, 1), (512, 1), (512, 1), (512, 1), (512, 1)),
    *((1024, 2), (1024, 1)),
)
"""Output channels and stride.

The paper prints 2 as the last stride, but its plane stays 7x7: the stride is 1.
"""
STEM = 32
GROUPS = {"0.25": 40, "0.5": 140, "0.75": 300, "1.0": 500}


def build(width: str, classes: int = 1000) -> "nn.Module":
    """Return the network. Shapes: (N, 3, H, W) to (N, classes)."""
    from torch import nn

    from benchcli.workloads.blocks.mobilenet_v1 import unit
    from benchcli.workloads.modules import Classifier, conv_bn_act

    factor = float(width)
    c_in = int(STEM * factor)
    layers: list[nn.Module] = [conv_bn_act(3, c_in, 3, 2)]
    for published, stride in BLOCKS:
        channels = int(published * factor)
        layers.append(unit(c_in, channels, stride))
        c_in = channels
    return nn.Sequential(*layers, Classifier(c_in, classes))


for _width, _group in GROUPS.items():
    NETWORKS.add(
        Network(
            name=f"mobilenet-v1-{_width}",
            title=f"{_width} MobileNet",
            build=partial(build, _width),
            source="Howard et al., 2017 (arXiv 1704.04861), Table 1",
            group=_group,
            printed=table_8(f"{_width} MobileNet v1"),
        )
    )
