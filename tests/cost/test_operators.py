"""The multiply-adds of operators and modules, against integers worked by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchcli.cost import fast_path
from benchcli.cost.count import count, total, walk
from benchcli.cost.inputs import as_inputs
from benchcli.cost.walk import walk_once
from tests.cost.networks import Apply, apply, attending, first, unruled

ONES = torch.ones


def encoder(norm_first: bool = False) -> nn.Module:
    return nn.TransformerEncoderLayer(8, 2, 32, batch_first=True, norm_first=norm_first).eval()


def resized(mode: str) -> nn.Module:
    return apply(lambda x: functional.interpolate(x, scale_factor=2, mode=mode))


HEADS = 3 * 7 * 8 * 8 * 4 + 2 * 3 * 7 * 7 * 8
"""Self-attention of 3 sequences of 7 tokens, width 8: four projections, scores and sums."""
ENCODER = HEADS + 2 * 3 * 7 * 8 * 32
"""The same with the two linear layers between widths 8 and 32."""
LSTM = 7 * 3 * 4 * 16 * (8 + 16)
"""Four gates of width 16, at 7 steps of 3 sequences of width 8."""

PRODUCTS: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    "conv1d": (nn.Conv1d(4, 8, 3, padding=1), (2, 4, 10), 2 * 8 * 10 * 4 * 3),
    "conv2d": (nn.Conv2d(4, 8, 3), (1, 4, 6, 6), 8 * 16 * 4 * 9),
    "conv2d, groups": (nn.Conv2d(4, 8, 3, padding=1, groups=2), (1, 4, 6, 6), 8 * 36 * 2 * 9),
    "conv2d, depthwise": (nn.Conv2d(4, 4, 3, padding=1, groups=4), (1, 4, 6, 6), 4 * 36 * 9),
    "conv2d, stride": (nn.Conv2d(4, 8, 3, stride=2, padding=1), (1, 4, 6, 6), 8 * 9 * 4 * 9),
    "conv2d, dilation": (nn.Conv2d(4, 8, 3, dilation=2), (1, 4, 6, 6), 8 * 4 * 4 * 9),
    "conv2d, same": (nn.Conv2d(4, 8, (1, 3), padding="same"), (1, 4, 6, 6), 8 * 36 * 4 * 3),
    "conv2d, no batch": (nn.Conv2d(4, 8, 1), (4, 6, 6), 8 * 36 * 4),
    "conv3d": (nn.Conv3d(2, 3, 3, padding=1), (1, 2, 4, 4, 4), 3 * 64 * 2 * 27),
    "conv_transpose1d": (nn.ConvTranspose1d(4, 8, 4, stride=2), (2, 4, 5), 2 * 4 * 5 * 8 * 4),
    "conv_transpose2d": (nn.ConvTranspose2d(4, 8, 3, stride=2), (1, 4, 6, 6), 4 * 36 * 8 * 9),
    "conv_transpose2d, groups": (nn.ConvTranspose2d(4, 8, 3, groups=2), (1, 4, 6, 6), 4 * 36 * 4 * 9),
    "conv_transpose3d": (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 3, 3), 2 * 27 * 3 * 8),
    "linear": (nn.Linear(10, 5), (2, 10), 2 * 10 * 5),
    "linear, three dimensions": (nn.Linear(10, 5), (2, 7, 10), 2 * 7 * 10 * 5),
    "linear, vector": (nn.Linear(10, 5), (10,), 10 * 5),
    "linear, no bias": (nn.Linear(10, 5, bias=False), (2, 10), 2 * 10 * 5),
    "linear, transposed input": (Apply(lambda s, x: s.l(x.mT), l=nn.Linear(6, 5)), (2, 6, 7), 2 * 7 * 6 * 5),
    "mm": (apply(lambda x: x @ x.t()), (4, 5), 4 * 4 * 5),
    "mm, out": (apply(lambda x: torch.mm(x, x.t(), out=ONES(4, 4))), (4, 5), 4 * 4 * 5),
    "addmm": (apply(lambda x: torch.addmm(x, x, x)), (5, 5), 125),
    "bmm": (apply(lambda x: x @ x.mT), (3, 4, 5), 3 * 4 * 4 * 5),
    "baddbmm": (apply(lambda x: torch.baddbmm(x, x, x)), (3, 4, 4), 3 * 64),
    "addbmm": (apply(lambda x: torch.addbmm(x[0], x, x)), (3, 4, 4), 3 * 64),
    "matmul, broadcast": (apply(lambda x: x @ ONES(5, 6)), (2, 3, 4, 5), 2 * 3 * 4 * 5 * 6),
    "matmul, vector": (apply(lambda x: x @ ONES(5)), (3, 4, 5), 3 * 4 * 5),
    "matmul, vector first": (apply(lambda x: ONES(4) @ x), (4, 5), 4 * 5),
    "mv": (apply(lambda x: torch.mv(x, ONES(5))), (4, 5), 4 * 5),
    "addmv": (apply(lambda x: torch.addmv(ONES(4), x, ONES(5))), (4, 5), 4 * 5),
    "dot": (apply(lambda x: torch.dot(x, x)), (7,), 7),
    "vdot": (apply(lambda x: torch.vdot(x, x)), (7,), 7),
    "multi_dot": (apply(lambda x: torch.linalg.multi_dot([x, ONES(5, 6), ONES(6, 2)])), (4, 5), 5 * 6 * 2 + 4 * 5 * 2),
    "einsum": (apply(lambda x: torch.einsum("bij,bkj->bik", x, x)), (3, 4, 5), 3 * 4 * 4 * 5),
    "einsum, heads": (apply(lambda x: torch.einsum("bqhd,bkhd->bhqk", x, x)), (2, 7, 3, 5), 2 * 3 * 7 * 7 * 5),
    "einsum, one sum": (apply(lambda x: torch.einsum("i,i->", x, x)), (7,), 7),
    "attention": (apply(lambda x: functional.scaled_dot_product_attention(x, x, x)), (2, 3, 7, 8), 2 * 3 * 7 * 7 * 16),
    "attention, causal": (
        apply(lambda x: functional.scaled_dot_product_attention(x, x, x, is_causal=True)),
        (2, 3, 7, 8),
        2 * 3 * 7 * 7 * 16,
    ),
    "attention, mask": (
        apply(lambda x: functional.scaled_dot_product_attention(x, x, x, attn_mask=ONES(7, 7))),
        (2, 3, 7, 8),
        2 * 3 * 7 * 7 * 16,
    ),
    "attention, other lengths and widths": (
        apply(lambda x: functional.scaled_dot_product_attention(x, ONES(2, 3, 5, 8), ONES(2, 3, 5, 4))),
        (2, 3, 7, 8),
        2 * 3 * 7 * 5 * (8 + 4),
    ),
    "attention, grouped queries": (
        apply(lambda x: functional.scaled_dot_product_attention(x, x[:, :1], x[:, :1], enable_gqa=True)),
        (2, 3, 7, 8),
        2 * 3 * 7 * 7 * 16,
    ),
    "MultiheadAttention": (attending(batch_first=True), (3, 7, 8), HEADS),
    "MultiheadAttention, length first": (attending(), (7, 3, 8), HEADS),
    "MultiheadAttention, no biases": (attending(bias=False, batch_first=True), (3, 7, 8), HEADS),
    "MultiheadAttention, other keys": (
        Apply(
            lambda s, x: s.l(x, ONES(3, 5, 6), ONES(3, 5, 4))[0],
            l=nn.MultiheadAttention(8, 2, kdim=6, vdim=4, batch_first=True),
        ).eval(),
        (3, 7, 8),
        3 * (7 * 8 * 8 * 2 + 5 * 6 * 8 + 5 * 4 * 8 + 2 * 7 * 5 * 8),
    ),
    "TransformerEncoderLayer": (encoder(), (3, 7, 8), ENCODER),
    "TransformerEncoderLayer, norm first": (encoder(norm_first=True), (3, 7, 8), ENCODER),
    "TransformerEncoder": (
        nn.TransformerEncoder(nn.TransformerEncoderLayer(8, 2, 32, batch_first=True), 2).eval(), (3, 7, 8), 2 * ENCODER,
    ),
    "TransformerDecoderLayer": (
        Apply(lambda s, x: s.l(x, x), l=nn.TransformerDecoderLayer(8, 2, 32, batch_first=True)).eval(),
        (3, 7, 8),
        HEADS + ENCODER,
    ),
    "LSTM": (first(nn.LSTM(8, 16)), (7, 3, 8), LSTM),
    "LSTM, batch first": (first(nn.LSTM(8, 16, batch_first=True)), (3, 7, 8), LSTM),
    "LSTM, two layers, both ways": (
        first(nn.LSTM(8, 16, 2, bidirectional=True)), (7, 3, 8), 2 * 7 * 3 * 4 * 16 * (8 + 16 + 32 + 16),
    ),
    "LSTM, projected": (first(nn.LSTM(8, 16, proj_size=5)), (7, 3, 8), 7 * 3 * (4 * 16 * (8 + 5) + 16 * 5)),
    "GRU": (first(nn.GRU(8, 16)), (7, 3, 8), 7 * 3 * 3 * 16 * (8 + 16)),
    "RNN": (first(nn.RNN(8, 16)), (7, 3, 8), 7 * 3 * 16 * (8 + 16)),
    "LSTMCell": (first(nn.LSTMCell(8, 16)), (3, 8), 3 * 4 * 16 * (8 + 16)),
    "GRUCell": (nn.GRUCell(8, 16), (3, 8), 3 * 3 * 16 * (8 + 16)),
    "RNNCell": (nn.RNNCell(8, 16), (3, 8), 3 * 16 * (8 + 16)),
}  # fmt: skip

IMAGE = (1, 4, 6, 6)
NO_PRODUCTS: dict[str, tuple[nn.Module, tuple[int, ...]]] = {
    **{
        type(layer).__name__: (layer.eval(), IMAGE)
        for layer in (
            nn.BatchNorm2d(4), nn.GroupNorm(2, 4), nn.InstanceNorm2d(4, affine=True), nn.LayerNorm(6), nn.RMSNorm(6),
            nn.LocalResponseNorm(2), nn.PReLU(4), nn.Hardswish(), nn.Hardsigmoid(), nn.SiLU(), nn.GELU(), nn.Mish(),
            nn.ELU(), nn.GLU(1), nn.ReLU6(), nn.LeakyReLU(), nn.RReLU(), nn.Softplus(), nn.LogSigmoid(),
            nn.Threshold(0.1, 0), nn.Softmax(1), nn.LogSoftmax(1), nn.Softmin(1), nn.Dropout(), nn.MaxPool2d(2),
            nn.AvgPool2d(2), nn.AdaptiveAvgPool2d(1), nn.AdaptiveAvgPool2d(3), nn.AdaptiveMaxPool2d(3),
            nn.LPPool2d(2, 2), nn.FractionalMaxPool2d(2, output_size=3), nn.ChannelShuffle(2), nn.PixelShuffle(2),
            nn.PixelUnshuffle(2), nn.Unfold(3), nn.ReflectionPad2d(1), nn.ReplicationPad2d(1), nn.CircularPad2d(1),
            nn.ZeroPad2d(1), nn.Flatten(), nn.Identity(),
        )
    },
    **{
        f"interpolate, {mode}": (resized(mode), IMAGE)
        for mode in ("nearest", "nearest-exact", "bilinear", "bicubic", "area")
    },
    "interpolate, linear": (apply(lambda x: functional.interpolate(x, 9, mode="linear")), (1, 4, 6)),
    "interpolate, trilinear": (resized("trilinear"), (1, 2, 3, 3, 3)),
    "interpolate, antialias": (
        apply(lambda x: functional.interpolate(x, (3, 3), mode="bilinear", antialias=True)), IMAGE,
    ),
    "grid_sample": (apply(lambda x: functional.grid_sample(x, ONES(1, 3, 3, 2), align_corners=False)), IMAGE),
    "max_pool1d": (nn.MaxPool1d(2), (1, 4, 6)),
    "max_pool3d": (nn.MaxPool3d(2), (1, 2, 4, 4, 4)),
    "avg_pool3d": (nn.AvgPool3d(2), (1, 2, 4, 4, 4)),
    "embedding": (apply(lambda x: functional.embedding(x.long(), ONES(9, 5))), (2, 7)),
    "embedding_bag": (apply(lambda x: functional.embedding_bag(x.long(), ONES(9, 5))), (2, 7)),
    "one_hot": (apply(lambda x: functional.one_hot(x.long(), 9)), (2, 7)),
    "normalize": (apply(functional.normalize), IMAGE),
    "cosine_similarity": (apply(lambda x: functional.cosine_similarity(x, x + 1)), IMAGE),
    "sort": (apply(lambda x: x.sort()[0]), IMAGE),
    "topk": (apply(lambda x: x.topk(2)[1]), IMAGE),
    "argmax": (apply(lambda x: x.argmax(1)), IMAGE),
    "var_mean": (apply(lambda x: torch.var_mean(x, 1)[0]), IMAGE),
    "scatter": (apply(lambda x: x.scatter_add(1, x.long(), x)), IMAGE),
    "masked": (apply(lambda x: x.masked_fill(x > 0, 1)[x > 0]), IMAGE),
    "triu": (apply(lambda x: x.triu() + torch.eye(6).tril()), IMAGE),
    "meshgrid": (apply(lambda x: x + torch.meshgrid(torch.arange(6.0), ONES(6), indexing="ij")[0]), IMAGE),
    "linspace": (apply(lambda x: x + torch.linspace(0, 1, 6)), IMAGE),
    "cumsum": (apply(lambda x: x.cumsum(1).clamp(0).where(x > 0, 1)), IMAGE),
    "repeat": (apply(lambda x: x.repeat(1, 2, 1, 1).repeat_interleave(2, 1).flip(1).roll(1)), IMAGE),
    "item": (apply(lambda x: x * float(x.max())), IMAGE),
    "empty": (apply(lambda x: torch.linalg.inv(x[:0])), IMAGE),
}  # fmt: skip


class Inferring(nn.Module):
    """A network that runs another one in inference mode, where torch dispatches composite operators whole."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode():
            output: torch.Tensor = self.network(inputs)
        return output


@contextmanager
def paths(attention: bool, onednn: bool) -> Iterator[None]:
    """Switch the fast path of attention, and oneDNN, which runs LSTMs in one operator, on or off."""
    torch.backends.mha.set_fastpath_enabled(attention)
    torch._C._set_mkldnn_enabled(onednn)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(True)
        torch._C._set_mkldnn_enabled(True)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("fast", [True, False], ids=["fast paths", "no fast paths"])
@pytest.mark.parametrize("inference", [True, False], ids=["inference_mode", "no_grad"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_multiply_adds_are_those_worked_by_hand(name: str, inference: bool, fast: bool) -> None:
    network, shape, expected = PRODUCTS[name]
    with paths(attention=fast, onednn=fast):
        costs = count(Inferring(network) if inference else network, torch.zeros(shape))
    assert (costs.flops, costs.unknown) == (expected, ())


@pytest.mark.parametrize("inference", [True, False], ids=["inference_mode", "no_grad"])
@pytest.mark.parametrize("name", NO_PRODUCTS)
def test_what_multiplies_no_matrices_is_known_to_have_none(name: str, inference: bool) -> None:
    network, shape = NO_PRODUCTS[name]
    costs = count(Inferring(network) if inference else network, torch.zeros(shape))
    assert (costs.flops, costs.unknown) == (0, ())


@pytest.mark.parametrize("name", ["LSTM", "LSTM, two layers, both ways", "TransformerEncoderLayer"])
def test_a_fused_operator_does_the_element_wise_work_of_its_parts(name: str) -> None:
    network, shape, _ = PRODUCTS[name]
    found = []
    for fast in (True, False):
        with paths(attention=fast, onednn=fast):
            found.append(total(walk_once(network, as_inputs(torch.zeros(shape)))))
    assert found[0].elementwise == found[1].elementwise > 0
    with paths(attention=True, onednn=True):
        calls = walk_once(network, as_inputs(torch.zeros(shape))).calls
        assert any("rnn" in call.operator or "encoder" in call.operator for call in calls)


def test_what_torch_runs_as_one_operator_counts_module_by_module() -> None:
    """A linear layer of 3 x 7 rows, 8 to 32, reads its input, its weights and its bias, and writes its output."""
    network = nn.Sequential(encoder(norm_first=True))
    inputs = torch.zeros(3, 7, 8)
    with torch.inference_mode():
        assert fast_path.is_taken(network, lambda: network(inputs))
    walked = walk(network, inputs)
    assert not any("encoder" in call.operator or "multi_head" in call.operator for call in walked.calls)
    by_module = {call.module: call for call in walked.calls if call.flops}
    assert by_module["0.linear1"].flops == 3 * 7 * 8 * 32
    assert by_module["0.linear1"].mac_bytes == 4 * (3 * 7 * 8 + 8 * 32 + 32 + 3 * 7 * 32)
    assert torch.backends.mha.get_fastpath_enabled()
    one = total(walk_once(network, as_inputs(inputs)))
    assert total(walked).flops == one.flops
    assert total(walked).mac_bytes > 2 * one.mac_bytes
    assert not fast_path.is_taken(network.train(), lambda: network(inputs))


def test_a_row_says_what_called_what_on_which_shapes() -> None:
    network = nn.Sequential(nn.Conv2d(4, 8, 1), nn.Sequential(nn.ReLU())).to(torch.bfloat16)
    convolution, relu = walk(network, torch.zeros(1, 4, 6, 6, dtype=torch.bfloat16)).calls
    assert (convolution.operator, convolution.module, convolution.dtype) == (
        "aten.convolution.default",
        "0",
        "bfloat16",
    )
    assert convolution.inputs == ((1, 4, 6, 6), (8, 4, 1, 1), (8,))
    assert convolution.outputs == ((1, 8, 6, 6),)
    assert (relu.operator, relu.module, relu.flops) == ("aten.relu.default", "1.0", 0)


@pytest.mark.filterwarnings("ignore:LSTM with projections")
@pytest.mark.parametrize("name", PRODUCTS)
def test_the_totals_are_the_sums_of_the_rows(name: str) -> None:
    network, shape, _ = PRODUCTS[name]
    calls, costs = walk(network, torch.zeros(shape)).calls, count(network, torch.zeros(shape))
    for column in ("flops", "elementwise", "mac_elements", "mac_bytes", "mac_fused_bytes"):
        assert sum(getattr(call, column) for call in calls) == getattr(costs, column)
    assert costs.mac_compulsory_bytes <= costs.mac_bytes


def test_an_unknown_operator_makes_the_count_a_lower_bound() -> None:
    costs = count(Apply(lambda s, x: unruled(s.layer(x)), layer=nn.Linear(6, 6)), torch.zeros(2, 6))
    assert (costs.flops, costs.flops_complete, costs.unknown) == (72, False, ("benchcli_tests.unruled.default of 2x6",))


GROUPED = {
    "rows in groups": ((8, 16), (3, 16, 4), 8 * 16 * 4),
    "columns in groups": ((8, 16), (16, 4), 8 * 16 * 4),
    "a matrix for each group": ((3, 8, 16), (3, 16, 4), 3 * 8 * 16 * 4),
}
"""The shapes of two matrices, and the multiply-adds of their product in groups, as experts have it."""


@pytest.mark.skipif(not hasattr(torch.nn.functional, "grouped_mm"), reason="this torch has no products in groups")
@pytest.mark.parametrize("name", GROUPED)
def test_products_in_groups_are_those_of_each_row_with_its_own_matrix(name: str) -> None:
    one, other, expected = GROUPED[name]
    ends = None if len(one) == 3 else torch.tensor([4, 4, one[0 if len(other) == 3 else 1]], dtype=torch.int32)
    weight = torch.zeros(other)
    costs = count(apply(lambda x: torch.nn.functional.grouped_mm(x, weight, offs=ends)), torch.zeros(one))
    assert (costs.flops, costs.unknown) == (expected, ())


@pytest.fixture
def torchvisions_operators() -> Iterator[Any]:
    """Stand-ins of the shapes of torchvision's operators, which need no torchvision."""
    library = torch.library.Library("torchvision", "FRAGMENT")  # type: ignore[no-untyped-call]
    shapes = {
        "deform_conv2d(Tensor input, Tensor weight, Tensor offset) -> Tensor": (
            lambda image, weight, offset: image.new_zeros(len(image), len(weight), *offset.shape[2:])
        ),
        "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor": lambda boxes, *_: boxes[:, 0].long(),
        "roi_align(Tensor input, Tensor rois, int size) -> Tensor": (
            lambda image, rois, size: image.new_zeros(len(rois), image.shape[1], size, size)
        ),
    }
    for schema, kernel in shapes.items():
        library.define(schema)  # type: ignore[no-untyped-call]
        library.impl(schema.partition("(")[0], kernel, "CPU")  # type: ignore[no-untyped-call]
    yield torch.ops.torchvision
    library._destroy()  # type: ignore[no-untyped-call]


def test_torchvisions_operators_have_rules(torchvisions_operators: Any) -> None:
    weight, offset, boxes = torch.zeros(5, 4, 3, 3), torch.zeros(1, 18, 6, 6), torch.zeros(7, 4)
    costs = count(apply(lambda x: torchvisions_operators.deform_conv2d(x, weight, offset)), torch.zeros(1, 4, 8, 8))
    assert (costs.flops, costs.unknown) == (5 * 36 * 4 * 9, ())
    costs = count(apply(lambda x: torchvisions_operators.nms(boxes, x, 0.5)), torch.zeros(7))
    assert (costs.flops, costs.unknown, costs.mac_bytes) == (0, (), 7 * 4 * 4 + 7 * 4 + 7 * 8)
    costs = count(apply(lambda x: torchvisions_operators.roi_align(x, boxes, 2)), torch.zeros(1, 4, 8, 8))
    assert (costs.flops, costs.unknown) == (0, ())


def test_a_operator_of_another_library_has_no_rule_of_torchs() -> None:
    library = torch.library.Library("benchcli_costs", "DEF")  # type: ignore[no-untyped-call]
    library.define("mm(Tensor a, Tensor b) -> Tensor")  # type: ignore[no-untyped-call]
    library.impl("mm", lambda a, b: a @ b, "CompositeExplicitAutograd")  # type: ignore[no-untyped-call]
    costs = count(apply(lambda x: torch.ops.benchcli_costs.mm(x, x)), torch.zeros(4, 4))
    assert costs.unknown == ("benchcli_costs.mm.default of 4x4",)
