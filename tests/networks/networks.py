"""Networks as users bring them: of every kind of input and output, compiled, scripted and quantised."""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn


def resnet() -> nn.Module:
    from benchcli.workloads.networks.base import NETWORKS

    return NETWORKS["resnet-50"].build()


class Vit(nn.Module):
    """A small vision transformer: patches of 16 x 16, two layers, a class token."""

    def __init__(self, width: int = 64) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, 16, stride=16)
        self.token = nn.Parameter(torch.zeros(1, 1, width))
        layer = nn.TransformerEncoderLayer(width, 4, 2 * width, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2)
        self.head = nn.Linear(width, 10)

    def forward(self, image: torch.Tensor) -> torch.Tensor:
        patches = self.patches(image).flatten(2).transpose(1, 2)
        tokens = torch.cat([self.token.expand(len(image), -1, -1), patches], 1)
        out: torch.Tensor = self.head(self.encoder(tokens)[:, 0])
        return out


def vit() -> nn.Module:
    return Vit()


class Lstm(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(8, 16, batch_first=True)

    def forward(self, steps: torch.Tensor) -> tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]]:
        out: tuple[torch.Tensor, tuple[torch.Tensor, torch.Tensor]] = self.lstm(steps)
        return out


def lstm() -> nn.Module:
    return Lstm()


class Two(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left, self.right = nn.Linear(8, 4), nn.Linear(6, 4)

    def forward(self, left: torch.Tensor, right: torch.Tensor) -> torch.Tensor:
        return torch.relu(self.left(left) + self.right(right))


def two() -> nn.Module:
    return Two()


class Text(nn.Module):
    """Takes tokens, and a mask by keyword."""

    def __init__(self, words: int = 100) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, 16)
        self.head = nn.Linear(16, 5)

    def forward(self, ids: torch.Tensor, mask: torch.Tensor | None = None) -> torch.Tensor:
        embedded = self.embedding(ids)
        if mask is not None:
            embedded = embedded * mask.unsqueeze(-1)
        out: torch.Tensor = self.head(embedded.mean(1))
        return out


def text() -> nn.Module:
    return Text()


@dataclass
class Detection:
    scores: torch.Tensor
    best: torch.Tensor


class Detector(nn.Module):
    def __init__(self, wrap: Callable[..., Any]) -> None:
        super().__init__()
        self.body, self.wrap = nn.Linear(8, 4), wrap

    def forward(self, image: torch.Tensor) -> Any:
        scores = self.body(image)
        return self.wrap(scores=scores, best=scores.argmax(-1))


def dictionary() -> nn.Module:
    return Detector(dict)


def record() -> nn.Module:
    return Detector(Detection)


def examples() -> nn.Module:
    return Two()


examples.example_inputs = lambda batch: (torch.randn(batch, 8), torch.randn(batch, 6))  # type: ignore[attr-defined]


class Nested(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.two = Two()

    def forward(self, pair: dict[str, tuple[torch.Tensor, torch.Tensor]], scale: float = 1.0) -> list[torch.Tensor]:
        left, right = pair["both"]
        return [self.two(left, right) * scale]


def nested() -> nn.Module:
    return Nested()


nested.example_inputs = {"pair": {"both": (torch.ones(1, 8), torch.ones(1, 6))}, "scale": 2.0}  # type: ignore[attr-defined]


def compiled() -> nn.Module:
    return torch.compile(Two(), backend="eager")  # type: ignore[return-value]


def scripted() -> nn.Module:
    return torch.jit.script(Two())


def int8() -> nn.Module:
    return torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(8, 4), nn.ReLU()), {nn.Linear})  # type: ignore


def half() -> nn.Module:
    return nn.Linear(8, 4).half()


def prints() -> nn.Module:
    sys.stdout.write("building\n")
    return nn.Linear(8, 4)


def number() -> Any:
    return 3
