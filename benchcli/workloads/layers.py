"""The layers of the micro-networks, with weights that keep activations of order one.

Bare convolutions in a chain multiply the variance of what passes through them; weights drawn with variance
1 / fan-in keep it, so that twenty layers neither overflow nor sink into denormal numbers, which are slow.
"""

import math
from collections.abc import Callable, Iterable

import torch
from torch import nn


def convolution(
    c_in: int, c_out: int, kernel: int = 1, groups: int = 1, gain: float = 1.0, stride: int = 1
) -> nn.Conv2d:
    """Return a convolution without bias that divides height and width by `stride`.

    `gain` scales its output's deviation. Raises ValueError where the groups do not divide the channels.
    """
    if c_in % groups or c_out % groups:
        raise ValueError(f"{groups} groups do not divide {c_in} and {c_out} channels")
    layer = nn.Conv2d(c_in, c_out, kernel, stride, padding=kernel // 2, groups=groups, bias=False)
    fan_in = c_in // groups * kernel * kernel
    nn.init.normal_(layer.weight, std=gain / math.sqrt(fan_in))
    return layer


def pointwise(c_in: int, c_out: int, groups: int = 1) -> nn.Conv2d:
    """Return a 1x1 convolution without bias."""
    return convolution(c_in, c_out, groups=groups)


def stack(repeat: int, block: Callable[[], Iterable[nn.Module]]) -> nn.Sequential:
    """Return `repeat` blocks in a chain, each made afresh."""
    return nn.Sequential(*(layer for _ in range(repeat) for layer in block()))


class Parallel(nn.Module):
    """Branches that share the input; their outputs are added. Shapes: (N, C, H, W) to the branches' output."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Add the branches' outputs from left to right."""
        first, *others = self.branches
        total: torch.Tensor = first(inputs)
        for branch in others:
            total = total + branch(inputs)
        return total


def parallel(count: int, branch: Callable[[], nn.Conv2d]) -> Parallel:
    """Return `count` branches, each made afresh, scaled so that their sum keeps the variance."""
    branches = [branch() for _ in range(count)]
    with torch.no_grad():
        for convolution_ in branches:
            convolution_.weight.div_(math.sqrt(count))
    return Parallel(branches)


class Bottleneck(nn.Module):
    """ResNet's bottleneck without batch normalisation: 1x1, 3x3, 1x1. Shapes: (N, C, H, W) to the same."""

    def __init__(self, channels: int, middle: int, relu: bool, shortcut: bool) -> None:
        super().__init__()
        after_relu = math.sqrt(2) if relu else 1.0
        self.reduce = convolution(channels, middle, gain=after_relu)
        self.spatial = convolution(middle, middle, kernel=3, gain=after_relu)
        # Beside a shortcut the branch is kept small, or ten additions would multiply the variance by 1,000.
        self.expand = convolution(middle, channels, gain=after_relu * (0.3 if shortcut else 1.0))
        self.activation = nn.ReLU() if relu else nn.Identity()
        self.shortcut = shortcut

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Run the three convolutions, add the input where there is a shortcut, and activate."""
        hidden = self.activation(self.reduce(inputs))
        hidden = self.activation(self.spatial(hidden))
        output: torch.Tensor = self.expand(hidden)
        if self.shortcut:
            output = output + inputs
        activated: torch.Tensor = self.activation(output)
        return activated


def bottleneck(channels: int, middle: int, relu: bool, shortcut: bool) -> Bottleneck:
    """Return one bottleneck of outer width `channels` and inner width `middle`."""
    return Bottleneck(channels, middle, relu, shortcut)
