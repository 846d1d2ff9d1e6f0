"""AlexNet: the one-device network of torchvision, and the two groups of the first paper."""

from functools import partial
from itertools import pairwise
from typing import TYPE_CHECKING

from benchcli.workloads.networks.base import NETWORKS, Network, Printed

if TYPE_CHECKING:
    from torch import nn

ONE_DEVICE = (64, 192, 384, 256, 256)
TWO_GROUPS = (96, 256, 384, 384, 256)
HIDDEN = 4096
LEAST_SIZE = 63
"""Smaller inputs have no pixels left after the third pool."""


def build(grouped: bool = False, classes: int = 1000) -> "nn.Module":
    """Return the network without dropout and local response normalisation.

    Shapes: (N, 3, H, W) to (N, classes). With `grouped`, convolutions 2, 4 and 5 have two groups
    (Krizhevsky et al., NIPS 2012, Section 3.5); without, it is the network of Krizhevsky, 2014.
    """
    from torch import nn

    first, *others = TWO_GROUPS if grouped else ONE_DEVICE
    groups = iter((2, 1, 2, 2) if grouped else (1, 1, 1, 1))
    layers: list[nn.Module] = [nn.Conv2d(3, first, 11, 4, 2), nn.ReLU(inplace=True), nn.MaxPool2d(3, 2)]
    c_in = first
    for channels, kernel, pooled in zip(others, (5, 3, 3, 3), (True, False, False, True), strict=True):
        layers += [nn.Conv2d(c_in, channels, kernel, 1, kernel // 2, groups=next(groups)), nn.ReLU(inplace=True)]
        layers += [nn.MaxPool2d(3, 2)] if pooled else []
        c_in = channels
    widths = (c_in * 36, HIDDEN, HIDDEN, classes)
    layers += [nn.AdaptiveAvgPool2d(6), nn.Flatten()]
    for c_in, c_out in pairwise(widths):
        layers += [nn.Linear(c_in, c_out), nn.ReLU(inplace=True)]
    return _initialise(nn.Sequential(*layers[:-1]))


def _initialise(network: "nn.Module") -> "nn.Module":
    """Initialise the weights so that activations stay of order one, and return the network."""
    from torch import nn

    for layer in network.modules():
        if isinstance(layer, nn.Conv2d | nn.Linear):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
    return network


NETWORKS.add(
    Network(
        name="alexnet",
        title="AlexNet",
        build=build,
        source="Krizhevsky, 2014 (arXiv 1404.5997), as torchvision has it",
        least_size=LEAST_SIZE,
    )
)
NETWORKS.add(
    Network(
        name="alexnet-2012",
        title="AlexNet in two groups",
        build=partial(build, grouped=True),
        source="Krizhevsky et al., NIPS 2012, Section 3.5, without local response normalisation",
        least_size=LEAST_SIZE,
        printed=Printed("shufflenetv1_table6_complexity", {"model": "AlexNet"}),
    )
)
