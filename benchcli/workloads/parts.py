"""Convolutions with batch normalisation, and the ways in which blocks join their branches.

Weights keep the second moment of what passes through near 1: a convolution that a ReLU follows has gain sqrt(2) (He et
al., 2015), one that nothing follows has 1, and what is added to a shortcut is small beside it.
"""

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

from benchcli.workloads.layers import convolution

Activation = Literal["relu", "relu6", "none"]
_ACTIVATIONS: dict[Activation, type[nn.Module]] = {"relu": nn.ReLU, "relu6": nn.ReLU6}
BESIDE_SHORTCUT = 0.3
"""Gain of what is added to a shortcut: sixteen additions then do not multiply the variance by 65,536."""


def normalised(
    c_in: int,
    c_out: int,
    kernel: int = 1,
    stride: int = 1,
    groups: int = 1,
    activation: Activation = "relu",
    gain: float | None = None,
) -> nn.Sequential:
    """Return a convolution, batch normalisation and activation. Shapes: (N, c_in, H, W) to (N, c_out, H/s, W/s)."""
    active = activation in _ACTIVATIONS
    if gain is None:
        gain = math.sqrt(2) if active else 1.0
    layers: list[nn.Module] = [
        convolution(c_in, c_out, kernel, groups, gain, stride),
        nn.BatchNorm2d(c_out),
    ]
    if active:
        layers.append(_ACTIVATIONS[activation](inplace=True))
    return nn.Sequential(*layers)


def depthwise(channels: int, stride: int = 1, activation: Activation = "none") -> nn.Sequential:
    """Return a 3x3 depthwise convolution and batch normalisation."""
    return normalised(channels, channels, 3, stride, channels, activation)


def separable(c_in: int, c_out: int, stride: int = 1, activation: Activation = "relu") -> nn.Sequential:
    """Return a 3x3 depthwise and a 1x1 convolution, with nothing but batch normalisation between them."""
    return nn.Sequential(depthwise(c_in, stride), normalised(c_in, c_out, activation=activation))


class Residual(nn.Module):
    """A body and a shortcut, added and activated. Shapes: those of the body, whose output the shortcut's equals."""

    def __init__(self, body: nn.Module, shortcut: nn.Module | None = None, activation: bool = True) -> None:
        super().__init__()
        self.body = body
        self.shortcut = shortcut or nn.Identity()
        self.activation = nn.ReLU(inplace=True) if activation else nn.Identity()

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Add what the body makes of the input to what the shortcut makes of it."""
        output: torch.Tensor = self.activation(self.body(inputs) + self.shortcut(inputs))
        return output


def projected(body: nn.Module, c_in: int, c_out: int, stride: int) -> Residual:
    """Return a body with a shortcut, which is a 1x1 convolution where shapes change, and a ReLU after both."""
    same = stride == 1 and c_in == c_out
    return Residual(body, None if same else normalised(c_in, c_out, stride=stride, activation="none"))


class Concatenation(nn.Module):
    """Branches that share the input. Shapes: (N, C, H, W) to the branches' outputs, channel after channel."""

    def __init__(self, branches: Iterable[nn.Module]) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Concatenate the branches' outputs along the channels."""
        return torch.cat([branch(inputs) for branch in self.branches], dim=1)


class HalfThrough(nn.Module):
    """ShuffleNet V2's channel split: the first half passes, the other goes through a body. Shapes: any to the same."""

    def __init__(self, body: nn.Module) -> None:
        super().__init__()
        self.body = body

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Split the channels, and concatenate what passed with what went through."""
        passed, through = inputs.chunk(2, dim=1)
        return torch.cat([passed, self.body(through)], dim=1)


class Classifier(nn.Module):
    """The end of a network: the mean over the plane, and a linear layer. Shapes: (N, C, H, W) to (N, classes)."""

    def __init__(self, channels: int, classes: int) -> None:
        super().__init__()
        self.linear = nn.Linear(channels, classes)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Average and classify."""
        scores: torch.Tensor = self.linear(inputs.mean((2, 3)))
        return scores
