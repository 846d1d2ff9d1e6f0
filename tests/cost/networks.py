"""Small networks whose costs can be worked out by hand."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

from benchcli.cost.count import walk
from benchcli.cost.inputs import as_inputs
from benchcli.cost.training import TrainingStep
from benchcli.cost.walk import Walk
from benchcli.schema import OperatorCall, Part


class Apply(nn.Module):
    """A network from a function of itself and its input."""

    def __init__(self, function: Callable[[Any, torch.Tensor], Any], **layers: nn.Module) -> None:
        super().__init__()
        self.function = function
        for name, layer in layers.items():
            self.add_module(name, layer)

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.function(self, inputs)


@torch.library.custom_op("benchcli_tests::unruled", mutates_args=())
def unruled(inputs: torch.Tensor) -> torch.Tensor:
    """Return a copy, by an operator that has no rule."""
    return inputs.clone()


def apply(function: Callable[[torch.Tensor], Any]) -> nn.Module:
    """Return a network without layers."""
    return Apply(lambda _self, inputs: function(inputs))


def attending(**settings: Any) -> nn.Module:
    """Return self-attention of width 8 and 2 heads."""
    layer = nn.MultiheadAttention(8, 2, **settings)
    return Apply(lambda self, x: self.layer(x, x, x)[0], layer=layer).eval()


def first(layer: nn.Module) -> nn.Module:
    """Return a network that returns the first output of a layer."""
    return Apply(lambda self, x: self.layer(x)[0], layer=layer).eval()


class Behind(nn.Module):
    """A network behind a parameter, so that its input needs a gradient."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(()))
        self.network = network

    def forward(self, inputs: torch.Tensor) -> Any:
        return self.network(inputs * self.scale)


def stepped(
    network: nn.Module,
    inputs: object,
    optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer] | None = None,
    loss: Callable[[Any], torch.Tensor] | None = None,
) -> Walk:
    """Return the walk through the second training step of a network."""
    given = as_inputs(inputs)
    made = optimizer([each for each in network.parameters() if each.requires_grad]) if optimizer else None
    step = TrainingStep(network.train(), given, loss, made)
    step()
    return walk(network, given, step)


def calls_of(walked: Walk, part: Part) -> list[OperatorCall]:
    """Return the operator calls of one part of a step."""
    return [each for each in walked.calls if each.part == part]
