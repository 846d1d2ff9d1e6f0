"""Which call wrote what a call reads, of constructions worked by hand."""

import pytest
import torch
from torch import nn

from benchcli.cost.count import walk
from tests.cost.networks import Apply, apply

SHAPE = (1, 8, 6, 6)


def conv() -> nn.Conv2d:
    return nn.Conv2d(8, 8, 1, bias=False)


def marked(x: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
    """Write to a weight, and read it."""
    weight.add_(1.0)
    return x * weight


CONSTRUCTIONS: dict[str, tuple[nn.Module, list[tuple[str, tuple[int | None, ...]]]]] = {
    "chain": (
        nn.Sequential(conv(), nn.ReLU(), conv()),
        [("convolution", (None, None)), ("relu", (0,)), ("convolution", (1, None))],
    ),
    "branches": (
        Apply(lambda s, x: torch.cat([s.a(x), s.b(x), x], 1), a=conv(), b=conv()),
        [("convolution", (None, None)), ("convolution", (None, None)), ("cat", (0, 1, None))],
    ),
    "shortcut": (
        Apply(lambda s, x: s.b(s.a(x)) + s.a(x), a=conv(), b=conv()),
        [
            ("convolution", (None, None)),
            ("convolution", (0, None)),
            ("convolution", (None, None)),
            ("add", (1, 2)),
        ],
    ),
    "in place": (
        Apply(lambda s, x: (y := s.c(x)).relu_() + y, c=conv()),
        [("convolution", (None, None)), ("relu_", (0,)), ("add", (1,))],
    ),
    "in place on a half, and the whole read": (
        Apply(lambda s, x: (y := s.c(x), y[:, :4].relu_(), y.neg())[2], c=conv()),
        [("convolution", (None, None)), ("relu_", (0,)), ("neg", (1,))],
    ),
    "in place on the input": (
        apply(lambda x: (x.relu_(), x.neg())[1]),
        [("relu_", (None,)), ("neg", (0,))],
    ),
    "views": (
        Apply(lambda s, x: torch.cat([p.relu() for p in s.c(x).view(1, 2, 4, 6, 6).unbind(1)], 1), c=conv()),
        [("convolution", (None, None)), ("relu", (0,)), ("relu", (0,)), ("cat", (1, 2))],
    ),
    "a copy where a layout needs one": (
        apply(lambda x: x.transpose(1, 2).contiguous().view(-1).neg()),
        [("clone", (None,)), ("neg", (0,))],
    ),
    "a weight that a call writes": (
        Apply(lambda s, x: marked(x, s.c.weight), c=conv()),
        [("add_", (None,)), ("mul", (None, 0))],
    ),
}


@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_a_call_knows_which_calls_wrote_what_it_reads(name: str) -> None:
    network, expected = CONSTRUCTIONS[name]
    calls = walk(network, torch.zeros(SHAPE)).calls
    assert [(call.operator.split(".")[1], call.producers) for call in calls] == expected
