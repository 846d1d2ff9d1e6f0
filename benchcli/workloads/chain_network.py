"""Build the micro-network of a chain of layers."""

import math
from collections.abc import Callable, Mapping

import torch
from torch import nn

from benchcli.workloads.layer_chain import Branches, Chain, Convolution, Linear, Piece, Shuffle, chain_of

CONVOLUTIONS: Mapping[int, type[nn.Conv1d | nn.Conv2d | nn.Conv3d]] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
NORMALISATIONS: Mapping[int, type[nn.Module]] = {1: nn.BatchNorm1d, 2: nn.BatchNorm2d, 3: nn.BatchNorm3d}
ACTIVATIONS: Mapping[str, Callable[[], nn.Module]] = {
    "relu": nn.ReLU,
    "relu6": nn.ReLU6,
    "hardswish": nn.Hardswish,
    "silu": nn.SiLU,
    "gelu": nn.GELU,
    "sigmoid": nn.Sigmoid,
    "hardsigmoid": nn.Hardsigmoid,
    "tanh": nn.Tanh,
    "leaky_relu": nn.LeakyReLU,
    "elu": nn.ELU,
}


class ChainOfLayers(nn.Module):
    """The layers of a chain, one after the other. Shapes: (N, C, ...) to what the last layer makes of it."""

    def __init__(self, chain: Chain) -> None:
        super().__init__()
        width, dimensions = 0, 2
        layers = []
        for piece in chain:
            if isinstance(piece, Convolution):
                width, dimensions = piece.c_out, len(piece.kernel)
            layers.append(_layer(piece, width, dimensions))
        self.layers = nn.ModuleList(layers)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Apply the layers."""
        for layer in self.layers:
            inputs = layer(inputs)
        return inputs


def build(layers: str) -> nn.Module:
    """Return the micro-network of a chain's text. Raises UserError if it is none."""
    return ChainOfLayers(chain_of(layers))


def _layer(piece: Piece, width: int, dimensions: int) -> nn.Module:
    if isinstance(piece, Convolution):
        return _convolution(piece)
    if isinstance(piece, Linear):
        return nn.Linear(piece.c_in, piece.c_out)
    if isinstance(piece, Shuffle):
        return ChannelShuffle(piece.groups)
    if isinstance(piece, Branches):
        return Joined(piece)
    if piece.name == "bn":
        return NORMALISATIONS[dimensions](width)
    return Addition() if piece.name == "add" else ACTIVATIONS[piece.name]()


def _convolution(piece: Convolution) -> nn.Module:
    """Return a convolution whose output keeps the input's variance."""
    kind = CONVOLUTIONS[len(piece.kernel)]
    layer = kind(
        *(piece.c_in, piece.c_out, piece.kernel, piece.stride, piece.padding, piece.dilation, piece.groups),  # type: ignore[arg-type]
        bias=piece.bias,
    )
    fan_in = piece.c_in // piece.groups * math.prod(piece.kernel)
    nn.init.normal_(layer.weight, std=1 / math.sqrt(fan_in))
    return layer


class Addition(nn.Module):
    """Adds a tensor of the input's shape, as a shortcut does. It is made at the first call of each shape."""

    def __init__(self) -> None:
        super().__init__()
        self._other: torch.Tensor | None = None

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Return the sum."""
        other = self._other
        if other is None or (other.shape, other.dtype, other.stride()) != (inputs.shape, inputs.dtype, inputs.stride()):
            other = self._other = torch.full_like(inputs, 0.5)
        return inputs + other


class ChannelShuffle(nn.Module):
    """Shapes: (N, C, H, W) to the same. Raises RuntimeError if the groups do not divide the channels."""

    def __init__(self, groups: int) -> None:
        super().__init__()
        self.groups = groups

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Exchange the groups' and the channels' dimension."""
        batch, channels, *image = inputs.shape
        apart = inputs.view(batch, self.groups, channels // self.groups, *image)
        return apart.transpose(1, 2).contiguous().view(batch, channels, *image)


class Joined(nn.Module):
    """Branches that read one tensor. Shapes: those of the branches, or of their concatenation."""

    def __init__(self, piece: Branches) -> None:
        super().__init__()
        self.branches = nn.ModuleList(ChainOfLayers(each) for each in piece.chains)
        self.is_sum = piece.join == "sum"

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Sum from left to right, or concatenate along the channels."""
        outputs = [branch(inputs) for branch in self.branches]
        if not self.is_sum:
            return torch.cat(outputs, 1)
        total: torch.Tensor = outputs[0]
        for each in outputs[1:]:
            total = total + each
        return total
