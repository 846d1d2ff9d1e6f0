"""MobileNet V2 (Sandler et al., CVPR 2018, Table 2)."""

from functools import partial
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, Printed, table_8

if TYPE_CHECKING:
    from torch import nn

STAGES = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1), (6, 160, 3, 2), (6, 320, 1, 1))
"""Expansion, output channels, repeats, and the stride of the first unit."""
STEM, LAST = 32, 1280
MEMBERS: dict[tuple[str, int], tuple[int, str]] = {
    ("0.15", 224): (40, "0.15 MobileNet v2 (our impl.)"),
    ("0.4", 160): (40, "0.4 MobileNet v2 (our impl.)*"),
    ("0.6", 224): (140, "0.6 MobileNet v2 (our impl.)"),
    ("0.75", 192): (140, "0.75 MobileNet v2 (our impl.)**"),
    ("1.0", 224): (300, "1.0 MobileNet v2"),
    ("1.4", 224): (500, "1.4 MobileNet v2"),
}
"""Width and input size to group and model name, for the networks in ShuffleNet V2's Table 8."""


def build(width: str, classes: int = 1000) -> "nn.Module":
    """Return the network. Shapes: (N, 3, H, W) to (N, classes)."""
    from torch import nn

    from benchcli.workloads.blocks.mobilenet_v2 import unit
    from benchcli.workloads.modules import Classifier, conv_bn_act

    factor = float(width)
    c_in = make_divisible(STEM * factor)
    layers: list[nn.Module] = [conv_bn_act(3, c_in, 3, 2, activation="relu6")]
    for expansion, published, repeat, first_stride in STAGES:
        channels = make_divisible(published * factor)
        for stride in (first_stride, *[1] * (repeat - 1)):
            layers.append(unit(c_in, channels, stride, expansion))
            c_in = channels
    last = make_divisible(LAST * max(1.0, factor))
    return nn.Sequential(*layers, conv_bn_act(c_in, last, activation="relu6"), Classifier(last, classes))


def make_divisible(channels: float, by: int = 8) -> int:
    """Return the nearest multiple of `by` of at least 0.9 * channels, as in the authors' code."""
    nearest = max(by, int(channels + by / 2) // by * by)
    return nearest if nearest >= 0.9 * channels else nearest + by


def _add(width: str, size: int, group: int, printed: Printed) -> None:
    suffix = "" if size == 224 else f"-{size}"
    NETWORKS.add(
        Network(
            name=f"mobilenet-v2-{width}{suffix}",
            title=f"{width} MobileNet V2" + (f", {size}×{size}" if suffix else ""),
            build=partial(build, width),
            source="Sandler et al., CVPR 2018, Table 2",
            group=group,
            size=size,
            printed=printed,
        )
    )


for (_width, _size), (_group, _model) in MEMBERS.items():
    _add(_width, _size, _group, table_8(_model))
