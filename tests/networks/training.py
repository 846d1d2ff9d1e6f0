"""Networks that are trained, or cannot be: for tests/sampling/test_training.py."""

from collections.abc import Callable
from typing import Any

import torch
from torch import nn

Build = Callable[[], nn.Module]


def inputs(batch: int) -> torch.Tensor:
    """Return images of three channels."""
    return torch.randn(batch, 3, 8, 8)


def given(**attributes: Any) -> Callable[[Build], Build]:
    """Give a callable its inputs, and what else training looks for."""

    def with_them(build: Build) -> Build:
        for name, value in {"example_inputs": inputs, **attributes}.items():
            setattr(build, name, value)
        return build

    return with_them


@given()
def plain() -> nn.Module:
    """Return a classifier with batch normalisation and dropout, in evaluation mode."""
    layers = [nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.Flatten(), nn.Linear(288, 10)]
    return nn.Sequential(*layers).eval()


def entropy(scores: torch.Tensor) -> torch.Tensor:
    """Return the loss of scores for the first class."""
    return nn.functional.cross_entropy(scores, torch.zeros(len(scores), dtype=torch.long))


@given(loss=entropy, optimizer=lambda parameters: torch.optim.AdamW(parameters, 1e-3))
def with_loss() -> nn.Module:
    """Return the same, which its own loss and optimiser train."""
    return plain()


@given(loss=lambda scores: (scores**2).mean(), optimizer=lambda parameters: torch.optim.SGD(parameters, 1e30))
def diverging() -> nn.Module:
    """Return the same, which an optimiser with a rate beyond all bounds trains."""
    return plain()


@given(loss=lambda scores: (scores * 1e38 * 1e38).mean())
def exploding() -> nn.Module:
    """Return the same, with a loss of infinite gradient."""
    return plain()


@given(loss=lambda scores: scores)
def of_many() -> nn.Module:
    """Return the same, with a loss that is not one number."""
    return plain()


@given(loss=lambda _: 3.0)
def of_float() -> nn.Module:
    """Return the same, with a loss that is no tensor."""
    return plain()


@given(loss=lambda scores, _: scores.mean())
def raising() -> nn.Module:
    """Return the same, with a loss that wants two arguments."""
    return plain()


@given(loss=lambda scores: scores.detach().mean())
def detached() -> nn.Module:
    """Return the same, with a loss that depends on nothing."""
    return plain()


@given(optimizer=lambda _: 3)
def no_optimizer() -> nn.Module:
    """Return the same, with an optimiser that is none."""
    return plain()


@given(optimizer="sgd")
def named_optimizer() -> nn.Module:
    """Return the same, with the name of an optimiser."""
    return plain()


@given(optimizer=lambda parameters: torch.optim.SGD(parameters, lr=-1.0))
def raising_optimizer() -> nn.Module:
    """Return the same, with an optimiser that refuses its rate."""
    return plain()


@given(loss=lambda scores: torch.complex(scores, scores).mean())
def of_complex() -> nn.Module:
    """Return the same, with a complex loss."""
    return plain()


class Overwritten(nn.Module):
    """Writes over what its gradient needs."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Linear(192, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the scores."""
        scores: torch.Tensor = self.scores(images.flatten(1)).sigmoid()
        return scores.add_(1)


@given()
def overwritten() -> nn.Module:
    """Return a network that cannot be trained as it is."""
    return Overwritten()


@given(optimizer=torch.optim.LBFGS)
def closing() -> nn.Module:
    """Return the same, with an optimiser that wants to call it."""
    return plain()


@given()
def without_parameters() -> nn.Module:
    """Return a network with nothing to train."""
    return nn.Sequential(nn.ReLU(), nn.Flatten())


@given()
def frozen() -> nn.Module:
    """Return a network whose parameters all are frozen."""
    return plain().requires_grad_(False)


@given()
def half_frozen() -> nn.Module:
    """Return a network of which only the last layer is trained."""
    network = frozen()
    for each in list(network.parameters())[-2:]:
        each.requires_grad_(True)
    return network


@given()
def one_value() -> nn.Module:
    """Return a network whose batch normalisation gets one value a channel."""
    return nn.Sequential(nn.Conv2d(3, 8, 8), nn.BatchNorm2d(8))


class Reads(nn.Module):
    """Returns whole numbers alone, through which no gradient flows."""

    def __init__(self) -> None:
        super().__init__()
        self.scores = nn.Linear(64, 10)

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        """Return the classes."""
        classes: torch.Tensor = self.scores(images.flatten(2)).argmax(-1)
        return classes


@given()
def reads() -> nn.Module:
    """Return a network whose outputs depend on no parameter smoothly."""
    return Reads()
