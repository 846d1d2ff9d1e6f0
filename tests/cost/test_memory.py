"""Bytes, in three bounds, and peak memory of constructions worked by hand."""

from collections.abc import Callable
from dataclasses import replace

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchcli.cost.count import count
from benchcli.schema import Costs
from tests.cost.networks import Apply, apply, first

SHAPE = (1, 8, 6, 6)
PLANE = 4 * 8 * 36
"""Bytes of a tensor of SHAPE in float32."""
WEIGHT = 4 * 8 * 8
"""Bytes of a 1x1 convolution's weight."""
CONV = 2 * PLANE + WEIGHT


def conv() -> nn.Conv2d:
    return nn.Conv2d(8, 8, 1, bias=False)


CONSTRUCTIONS: dict[str, tuple[nn.Module, tuple[int, ...], tuple[int, int, int]]] = {
    # Unfused, fused, compulsory.
    "conv": (conv(), SHAPE, (CONV, CONV, CONV)),
    "conv, bias": (nn.Conv2d(8, 8, 1), SHAPE, (CONV + 32,) * 3),
    "conv, transposed": (nn.ConvTranspose2d(8, 8, 2, 2, bias=False), SHAPE, (5 * PLANE + 4 * WEIGHT,) * 3),
    "conv, depthwise": (nn.Conv2d(8, 8, 3, padding=1, groups=8, bias=False), SHAPE, (2 * PLANE + 4 * 72,) * 3),
    "conv, relu": (nn.Sequential(conv(), nn.ReLU()), SHAPE, (CONV + 2 * PLANE, CONV, CONV)),
    "conv, relu in place": (nn.Sequential(conv(), nn.ReLU(True)), SHAPE, (CONV + 2 * PLANE, CONV, CONV)),
    "conv, norm, relu": (
        nn.Sequential(conv(), nn.BatchNorm2d(8), nn.ReLU()).eval(), SHAPE,
        (CONV + 4 * PLANE + 4 * 32, CONV + 4 * 32, CONV + 2 * 32),  # running statistics are no parameters
    ),
    "relu of the input": (nn.ReLU(), SHAPE, (2 * PLANE,) * 3),
    "relu of a view of the input": (apply(lambda x: x.view(1, 2, 4, 6, 6).relu()), SHAPE, (2 * PLANE,) * 3),
    "relu of a view of a product": (
        Apply(lambda s, x: s.c(x).view(1, 2, 4, 6, 6).relu(), c=conv()), SHAPE, (CONV + 2 * PLANE, CONV, CONV),
    ),
    "residual": (Apply(lambda s, x: s.c(x) + x, c=conv()), SHAPE, (CONV + 3 * PLANE, CONV + PLANE, CONV)),
    "scale of each channel": (
        apply(lambda x: x * x[:, :, :1, :1]), SHAPE, (2 * PLANE + 32, 2 * PLANE + 32, 2 * PLANE),
    ),
    "copy": (apply(torch.clone), SHAPE, (2 * PLANE,) * 3),
    "copy of a convolution": (
        Apply(lambda s, x: s.c(x).clone(), c=conv()), SHAPE, (CONV + 2 * PLANE, CONV + 2 * PLANE, CONV),
    ),
    "copy into a part": (
        apply(lambda x: torch.empty_like(x)[:, :4].copy_(x[:, :4])), SHAPE, (PLANE, PLANE, PLANE * 3 // 2),
    ),
    "concatenation": (apply(lambda x: torch.cat([x, x[:, :4]], 1)), SHAPE, (3 * PLANE, 3 * PLANE, PLANE * 5 // 2)),
    "view": (apply(lambda x: x.transpose(1, 2)), SHAPE, (0, 0, PLANE)),
    "max pool": (nn.MaxPool2d(2), SHAPE, (PLANE * 5 // 4,) * 3),
    "mean": (apply(lambda x: x.mean((2, 3))), SHAPE, (PLANE + 32,) * 3),
    "upsampling": (nn.Upsample(scale_factor=2), SHAPE, (5 * PLANE,) * 3),
    "softmax of a product": (
        Apply(lambda s, x: s.c(x).softmax(1), c=conv()), SHAPE, (CONV + 2 * PLANE, CONV + 2 * PLANE, CONV),
    ),
    "layer norm": (nn.LayerNorm(6), SHAPE, (2 * PLANE + 48,) * 3),
    "linear": (nn.Linear(10, 5), (2, 10), (4 * (20 + 50 + 5 + 10),) * 3),
    "linear twice": (
        Apply(lambda s, x: s.l(s.l(x)), l=nn.Linear(8, 8, bias=False)), (2, 8),
        (2 * 4 * (16 + 64 + 16), 2 * 4 * (16 + 64 + 16), 4 * (16 + 64 + 16)),
    ),
    "embedding": (  # reads the rows that it takes: two of 100
        Apply(lambda s, x: s.e(x.long()), e=nn.Embedding(100, 4)), (2,),
        (4 * 2 + 8 * 2 + 8 * 2 + 2 * 16 + 2 * 16, 4 * 2 + 8 * 2 + 8 * 2 + 2 * 16 + 2 * 16, 4 * 2 + 2 * 16 + 2 * 16),
    ),
    "attention": (
        apply(lambda x: functional.scaled_dot_product_attention(x, x, x)), (1, 2, 6, 8), (2 * 4 * 96,) * 3,
    ),
    "lstm": (
        first(nn.LSTM(4, 4)), (3, 1, 4),
        # Two initial states are written; read are they, input, weights and biases; written are output and two last
        # states, which are then copied. A state has 4 elements.
        (4 * (2 * 4 + 2 * 4 + 12 + 160 + 12 + 2 * 4 + 2 * 8),) * 2 + (4 * (12 + 160 + 12),),
    ),
}  # fmt: skip


@pytest.mark.parametrize("inference", [True, False], ids=["inference_mode", "no_grad"])
@pytest.mark.parametrize("name", CONSTRUCTIONS)
def test_bytes_are_those_worked_by_hand(name: str, inference: bool) -> None:
    network, shape, expected = CONSTRUCTIONS[name]
    with torch.inference_mode(inference):
        costs = count(network, torch.zeros(shape))
    assert (costs.mac_bytes, costs.mac_fused_bytes, costs.mac_compulsory_bytes) == expected


def shuffled(x: torch.Tensor) -> torch.Tensor:
    return x.view(1, 2, 4, 6, 6).transpose(1, 2).contiguous().view(SHAPE)


class Squeeze(nn.Module):
    """Squeeze and excitation behind a convolution; `multiply` scales the channels."""

    def __init__(self, multiply: Callable[[torch.Tensor, torch.Tensor], torch.Tensor]) -> None:
        super().__init__()
        self.conv, self.scale, self.multiply = conv(), conv(), multiply

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        x = self.conv(inputs)
        return self.multiply(x, self.scale(x.mean((2, 3), keepdim=True)).sigmoid())


def same_but_peak(one: Costs, other: Costs) -> bool:
    return replace(one, peak_activation_bytes=None) == replace(other, peak_activation_bytes=None)


WRITINGS: dict[str, tuple[nn.Module, ...]] = {
    "shuffle": (
        nn.ChannelShuffle(2),
        apply(shuffled),
        apply(lambda x: x.reshape(1, 2, 4, 6, 6).transpose(1, 2).reshape(SHAPE)),
        nn.Sequential(nn.Unflatten(1, (2, 4)), Apply(lambda _s, x: x.transpose(1, 2)), nn.Flatten(1, 2)),
    ),
    "squeeze and excitation": (
        Squeeze(lambda x, s: x * s),
        Squeeze(lambda x, s: x * s.expand_as(x)),
        Squeeze(lambda x, s: s * x),
        Squeeze(lambda x, s: x.mul_(s)),
    ),
    "activation": (nn.Sequential(conv(), nn.ReLU()), nn.Sequential(conv(), nn.ReLU(True))),
    "residual": (
        Apply(lambda s, x: s.c(x) + x, c=conv()),
        Apply(lambda s, x: s.c(x).add_(x), c=conv()),
        Apply(lambda s, x: x + s.c(x), c=conv()),
    ),
}


@pytest.mark.parametrize("name", WRITINGS)
def test_equal_work_has_equal_costs_however_it_is_written(name: str) -> None:
    one, *others = (count(network, torch.zeros(SHAPE)) for network in WRITINGS[name])
    assert one.mac_bytes > 0
    assert all(same_but_peak(one, other) for other in others)


def test_a_shuffle_is_a_copy_and_no_element_wise_work() -> None:
    costs = count(apply(shuffled), torch.zeros(SHAPE))
    assert (costs.elementwise, costs.mac_fused_bytes) == (0, 2 * PLANE)


PEAKS: dict[str, tuple[nn.Module, int]] = {
    "identity": (nn.Identity(), PLANE),
    "one convolution": (conv(), 2 * PLANE),
    "a chain keeps input, operand and result": (nn.Sequential(conv(), conv(), conv()), 3 * PLANE),
    "in place adds nothing": (nn.Sequential(conv(), nn.ReLU(True), nn.ReLU(True)), 2 * PLANE),
    "a view adds nothing": (nn.Sequential(conv(), nn.Flatten()), 2 * PLANE),
    "a residual keeps its shortcut": (
        Apply(lambda s, x: (lambda y: s.b(s.c(y)) + y)(s.a(x)), a=conv(), b=conv(), c=conv()), 4 * PLANE,
    ),
    "branches are alive until they meet": (
        Apply(lambda s, x: torch.cat([s.a(x), s.b(x), s.c(x)], 1), a=conv(), b=conv(), c=conv()), 7 * PLANE,
    ),
    "a pool shrinks": (nn.Sequential(conv(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 3)), 2 * PLANE + 32),
    "what is deleted is gone": (
        Apply(lambda s, x: s.b(s.a(x).mean((2, 3), keepdim=True).expand_as(x)), a=conv(), b=conv()), 2 * PLANE + 32,
    ),
    "buffers and parameters are weights": (nn.Sequential(nn.BatchNorm2d(8)).eval(), 2 * PLANE),
}  # fmt: skip


@pytest.mark.parametrize("name", PEAKS)
def test_peak_memory_is_that_worked_by_hand(name: str) -> None:
    network, expected = PEAKS[name]
    assert count(network, torch.zeros(SHAPE)).peak_activation_bytes == expected


def test_weights_are_counted_apart_and_shared_ones_once() -> None:
    shared = nn.Linear(8, 8, bias=False)
    assert count(nn.Sequential(shared, shared), torch.zeros(1, 8)).weight_bytes == 4 * 64
    assert count(nn.BatchNorm1d(8).eval(), torch.zeros(1, 8)).weight_bytes == 4 * 4 * 8 + 8  # int64: batches seen
