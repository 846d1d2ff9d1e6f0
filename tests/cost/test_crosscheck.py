"""The multiply-adds of training steps against torch's own counter."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchcli.cost.count import total, walk
from benchcli.cost.crosscheck import flops_by_fvcore, flops_by_torch
from benchcli.cost.inputs import as_inputs
from benchcli.cost.training import TrainingStep
from benchcli.schema import OperatorCall
from benchcli.workloads.networks.base import NETWORKS
from tests.cost.networks import Apply, first

NOT_COUNTED = (
    "aten._scaled_dot_product_flash_attention_for_cpu.default",
    "aten._scaled_dot_product_flash_attention_for_cpu_backward.default",
    "aten.mkldnn_rnn_layer.default",
    "aten.mkldnn_rnn_layer_backward.default",
)
"""Operators of CPUs that torch's counter leaves out."""


def encoder_and_decoder() -> nn.Module:
    return Apply(lambda s, x: s.up(s.down(x).relu()), down=nn.Conv2d(3, 8, 3, 2, 1), up=nn.ConvTranspose2d(8, 3, 2, 2))


def transformer() -> nn.Module:
    layers = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
    return Apply(lambda s, x: s.out(s.t(s.e(x))), e=nn.Embedding(20, 16), t=layers, out=nn.Linear(16, 20))


def attention() -> nn.Module:
    def forward(net: Any, x: torch.Tensor) -> torch.Tensor:
        query, key, value = (each.unflatten(-1, (2, 8)).transpose(1, 2) for each in net.qkv(x).chunk(3, -1))
        mixed = functional.scaled_dot_product_attention(query, key, value, is_causal=True)
        out: torch.Tensor = net.out(mixed.transpose(1, 2).flatten(2))
        return out

    return Apply(forward, qkv=nn.Linear(16, 48), out=nn.Linear(16, 16))


def unet() -> nn.Module:
    def forward(net: Any, x: torch.Tensor) -> torch.Tensor:
        high = net.a(x).relu()
        low = net.b(functional.max_pool2d(high, 2)).relu()
        up: torch.Tensor = net.c(torch.cat([high, functional.interpolate(low, scale_factor=2, mode="bilinear")], 1))
        return up

    return Apply(forward, a=nn.Conv2d(3, 8, 3, padding=1), b=nn.Conv2d(8, 8, 3, padding=1), c=nn.Conv2d(16, 4, 1))


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(12, 32), nn.BatchNorm1d(32), nn.GELU(), nn.Dropout(), nn.Linear(32, 5))


def sound() -> nn.Module:
    return nn.Sequential(nn.Conv1d(2, 8, 5), nn.ReLU(), nn.Conv1d(8, 4, 3))


def video() -> nn.Module:
    return nn.Sequential(nn.Conv3d(2, 4, 3), nn.ReLU(), nn.Conv3d(4, 2, 3))


IMAGES = torch.zeros(2, 3, 32, 32)
TRAINED: dict[str, tuple[Callable[[], nn.Module], torch.Tensor]] = {
    "perceptron": (perceptron, torch.zeros(4, 12)),
    "encoder and decoder": (encoder_and_decoder, IMAGES[:, :, :16, :16]),
    "U-Net": (unet, IMAGES[:, :, :16, :16]),
    "convolutions of sound": (sound, torch.zeros(2, 2, 40)),
    "convolutions of video": (video, torch.zeros(1, 2, 8, 8, 8)),
    "transformer": (transformer, torch.zeros(2, 7, dtype=torch.long)),
    "attention": (attention, torch.zeros(2, 7, 16)),
    "GRU": (lambda: first(nn.GRU(8, 16, 2, bidirectional=True)), torch.zeros(7, 3, 8)),
    "LSTM": (lambda: first(nn.LSTM(8, 16, 2, bidirectional=True)), torch.zeros(7, 3, 8)),
    **{name: (NETWORKS[name].build, IMAGES) for name in ("resnet-50", "mobilenet-v2-1.0", "shufflenet-v2-0.5x")},
}


def step_of(name: str) -> tuple[nn.Module, TrainingStep]:
    build, inputs = TRAINED[name]
    network = build().train()
    return network, TrainingStep(network, as_inputs(inputs), optimizer=torch.optim.SGD(network.parameters()))


def not_counted(calls: Sequence[OperatorCall]) -> int:
    return sum(each.flops or 0 for each in calls if each.operator in NOT_COUNTED)


def counted_too_often(calls: Sequence[OperatorCall]) -> int:
    """Return what torch's counter adds to the gradients of grouped weights: it takes them for those of dense ones."""
    more = 0
    for call in calls:
        if call.operator == "aten.convolution_backward.default":
            output, image = call.inputs[:2]
            gradients = [shape for shape in call.outputs if len(shape) == len(image)]  # the input's and the weight's
            weight = gradients[-1]
            groups = (image if weight[0] == output[1] else output)[1] // weight[1]  # else it is transposed
            more += (groups - 1) * (call.flops or 0) // len(gradients)
    return more


@pytest.mark.parametrize("name", TRAINED)
def test_steps_have_the_multiply_adds_that_torch_counts(name: str) -> None:
    network, step = step_of(name)
    walked = walk(network, TRAINED[name][1], step)
    expected = total(walked).flops - not_counted(walked.calls) + counted_too_often(walked.calls)
    assert flops_by_torch(network, TRAINED[name][1], step) == expected
    differs = {"attention", "LSTM", "mobilenet-v2-1.0", "shufflenet-v2-0.5x"}
    assert (expected != total(walked).flops) == (name in differs)


def test_fvcore_counts_no_backward_pass_and_says_so() -> None:
    network, step = step_of("perceptron")
    with pytest.raises(NotImplementedError, match="fvcore counts no backward pass"):
        flops_by_fvcore(network, TRAINED["perceptron"][1], step)
