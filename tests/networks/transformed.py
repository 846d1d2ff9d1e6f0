"""One network in the forms that torch can bring it into, and networks that hold others."""

import warnings
from typing import Any

import torch
from torch import nn

from tests.cost.networks import Apply, unruled


def plain() -> Any:
    """Inputs of 1x3x8x8: 12 * 12 multiply-adds at 36 places, and 12 * 5."""
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5)
    ).eval()


def quietly(make: Any, *args: Any) -> Any:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make(*args)


def scripted() -> Any:
    return quietly(torch.jit.script, plain())


def traced() -> Any:
    return quietly(torch.jit.trace, plain(), torch.ones(1, 3, 8, 8))


def frozen() -> Any:
    return quietly(torch.jit.freeze, scripted())


def exported() -> Any:
    return torch.export.export(plain(), (torch.ones(1, 3, 8, 8),)).module()


def parallel() -> Any:
    return nn.DataParallel(plain())


def normed() -> Any:
    network = plain()
    nn.utils.parametrizations.weight_norm(network[0])
    return network


class Holder(nn.Module):
    """Keeps a network in a list, so that it has no parameters itself."""

    def __init__(self) -> None:
        super().__init__()
        self.networks = [plain()]

    def forward(self, x: torch.Tensor) -> Any:
        return self.networks[0](x)


def holder() -> Any:
    return Holder()


def frozen_inside() -> Any:
    return nn.Sequential(frozen(), nn.Linear(5, 2))


class Constant(nn.Linear):
    """Holds an array that is neither a parameter nor a buffer."""

    def __init__(self) -> None:
        super().__init__(8, 8)
        self.scale = torch.full((8,), 2.0)

    def forward(self, x: torch.Tensor) -> Any:
        return super().forward(x) * self.scale


def constant() -> Any:
    return Constant()


def opaque() -> Any:
    """Does its work in an operator that could hold weights."""
    return Apply(lambda _, x: unruled(x))
