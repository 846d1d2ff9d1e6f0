"""Layers of micro-networks, blocks and networks, initialised so that activations stay of order one.

A chain of convolutions multiplies the variance of its activations. Weights with variance 1 / fan-in
preserve it: twenty layers then neither overflow nor reach denormal numbers, which are slow. The
gain is sqrt(2) for a convolution before a ReLU (He et al., 2015), and 1 for one without an
activation. The gain of a branch that is added to a shortcut is smaller.
"""

import math
from collections.abc import Callable, Iterable
from typing import Literal

import torch
from torch import nn


def convolution(
    c_in: int, c_out: int, kernel: int = 1, groups: int = 1, gain: float = 1.0, stride: int = 1
) -> nn.Conv2d:
    """Return a convolution without bias. Shapes: (N, c_in, H, W) to (N, c_out, H/stride, W/stride).

    `gain` scales the standard deviation of the output. Raises ValueError if the groups do not
    divide the channels.
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
    """Return a chain of `repeat` new blocks."""
    return nn.Sequential(*(layer for _ in range(repeat) for layer in block()))


class Parallel(nn.Module):
    """The sum of branches that share the input. Shapes: (N, C, H, W) to the branches' output."""

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
    """Return `count` new branches, scaled so that their sum has the variance of one of them."""
    branches = [branch() for _ in range(count)]
    with torch.no_grad():
        for layer in branches:
            layer.weight.div_(math.sqrt(count))
    return Parallel(branches)


class Bottleneck(nn.Module):
    """ResNet's bottleneck (1x1, 3x3, 1x1) without batch normalisation.

    Shapes: (N, C, H, W) to the same.
    """

    def __init__(self, channels: int, middle: int, relu: bool, shortcut: bool) -> None:
        super().__init__()
        after_relu = math.sqrt(2) if relu else 1.0
        self.reduce = convolution(channels, middle, gain=after_relu)
        self.spatial = convolution(middle, middle, kernel=3, gain=after_relu)
        # With a gain of 1, ten additions of a shortcut would multiply the variance by 1,000.
        self.expand = convolution(middle, channels, gain=after_relu * (0.3 if shortcut else 1.0))
        self.activation = nn.ReLU() if relu else nn.Identity()
        self.shortcut = shortcut

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Apply the convolutions, add the shortcut if there is one, and apply the activation."""
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


Activation = Literal["relu", "relu6", "none"]
_ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6}
BESIDE_SHORTCUT = 0.3
"""Gain of a branch that is added to a shortcut.

With a gain of 1, sixteen additions multiply the variance by 65,536.
"""


def conv_bn_act(
    c_in: int,
    c_out: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: Activation = "relu",
    gain: float | None = None,
) -> nn.Sequential:
    """Return a convolution, batch normalisation and activation.

    Shapes: (N, c_in, H, W) to (N, c_out, H/stride, W/stride). `gain` is sqrt(2) before an
    activation and 1 without one, unless given.
    """
    has_activation = activation in _ACTIVATIONS
    if gain is None:
        gain = math.sqrt(2) if has_activation else 1.0
    layers: list[nn.Module] = [
        convolution(c_in, c_out, kernel, groups, gain, stride),
        nn.BatchNorm2d(c_out),
    ]
    if has_activation:
        layers.append(_ACTIVATIONS[activation](inplace=True))
    return nn.Sequential(*layers)


def depthwise(channels: int, stride: int = 1, activation: Activation = "none") -> nn.Sequential:
    """Return a 3x3 depthwise convolution and batch normalisation."""
    return conv_bn_act(channels, channels, 3, stride, channels, activation)


def separable(c_in: int, c_out: int, stride: int = 1, activation: Activation = "relu") -> nn.Sequential:
    """Return a 3x3 depthwise and a 1x1 convolution, with only batch normalisation between them."""
    return nn.Sequential(depthwise(c_in, stride), conv_bn_act(c_in, c_out, activation=activation))


class Residual(nn.Module):
    """The activated sum of a body and a shortcut.

    Shapes: those of the body; the shortcut's output has the shape of the body's output.
    """

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, activation: bool = True) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()
        self.activation = nn.ReLU(inplace=True) if activation else nn.Identity()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the activated sum of the body's and the shortcut's output."""
        output: torch.Tensor = self.activation(self.body(inputs) + self.shortcut(inputs))
        return output


def projected(body: nn.Module, c_in: int, c_out: int, stride: int) -> Residual:
    """Return a body with a shortcut and a final ReLU.

    The shortcut is a 1x1 convolution if the body changes the shape, otherwise the identity.
    """
    same = stride == 1 and c_in == c_out
    return Residual(body, None if same else conv_bn_act(c_in, c_out, stride=stride, activation="none"))


class Concatenation(nn.Module):
    """Branches that share the input, concatenated along the channels.

    Shapes: (N, C, H, W) to (N, sum of the branches' channels, H', W').
    """

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Concatenate the branches' outputs along the channels."""
        return torch.cat([branch(inputs) for branch in self.branches], dim=1)


class HalfThrough(nn.Module):
    """ShuffleNet V2's channel split: a body transforms the second half of the channels.

    Shapes: (N, C, H, W) to the same.
    """

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Split the channels, apply the body to the second half, and concatenate the halves."""
        unchanged, transformed = inputs.chunk(2, dim=1)
        return torch.cat([unchanged, self.body(transformed)], dim=1)


class Classifier(nn.Module):
    """Global average pooling and a linear layer. Shapes: (N, C, H, W) to (N, classes)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Average over height and width, and apply the linear layer."""
        scores: torch.Tensor = self.linear(inputs.mean((2, 3)))
        return scores
