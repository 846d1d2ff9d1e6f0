"""Work whose results nothing uses."""

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import nn

from benchcli.cost.count import walk
from tests.cost.networks import Apply

IMAGE = torch.randn(1, 3, 8, 8)


def layers() -> dict[str, nn.Module]:
    return {"a": nn.Conv2d(3, 3, 3, padding=1), "b": nn.Conv2d(3, 3, 3, padding=1)}


def dropped(network: Any, x: torch.Tensor) -> object:
    network.b(torch.relu(network.a(x)))
    return network.a(x)


def halves(network: Any, x: torch.Tensor) -> object:
    """Each half is written by itself, so that neither writer is the storage's last one for the other half."""
    out = torch.empty(1, 6, 8, 8)
    out[:, :3], out[:, 3:] = network.a(x), network.b(x)
    return out


def read_in_python(network: Any, x: torch.Tensor) -> object:
    return network.b(x) if float(network.a(x).sum()) > 0 else network.b(x) * 2


def kept(network: Any, x: torch.Tensor) -> object:
    network.last = network.a(x)
    return network.b(x)


def into_a_buffer(network: Any, x: torch.Tensor) -> object:
    network.mean.copy_(network.a(x).mean())
    return network.b(x)


def nested(network: Any, x: torch.Tensor) -> object:
    return {"all": [network.a(x)[:, :1].transpose(2, 3), network.b(x)]}


def in_place(network: Any, x: torch.Tensor) -> object:
    y = network.a(x)
    y.add_(network.b(x))
    return y


@pytest.mark.parametrize(
    ("forward", "modules"),
    [
        (dropped, ["a", "b"]),
        (halves, []),
        (read_in_python, []),
        (kept, []),
        (into_a_buffer, []),
        (nested, []),
        (in_place, []),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_a_layer_is_unused_if_nothing_of_it_is_returned_kept_or_read(
    forward: Callable[[Any, torch.Tensor], object], modules: list[str]
) -> None:
    network = Apply(forward, **layers())
    network.register_buffer("mean", torch.zeros(()))
    walked = walk(network, IMAGE)
    assert [walked.calls[each].module for each in walked.unused if walked.calls[each].flops] == modules


@pytest.mark.parametrize(
    ("network", "shape"),
    [
        (nn.LSTM(8, 16, 2, bidirectional=True), (5, 1, 8)),
        (nn.TransformerEncoderLayer(8, 2, 16, batch_first=True), (1, 5, 8)),
        (nn.Sequential(nn.Conv2d(3, 8, 3), nn.BatchNorm2d(8), nn.ReLU(inplace=True), nn.Flatten()), (1, 3, 8, 8)),
    ],
    ids=["lstm", "encoder", "convolution"],
)
def test_layers_of_torch_use_all_that_they_compute(network: nn.Module, shape: tuple[int, ...]) -> None:
    assert walk(network.eval(), torch.randn(shape)).unused == []
