"""The multiply-adds and the element-wise work of backward passes and of updates, against integers worked by hand."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from benchcli.cost.arithmetic import elementwise, multiply_adds
from benchcli.cost.count import count, total
from tests.cost.networks import Apply, Behind, attending, calls_of, first, stepped

CONV = 8 * 16 * 4 * 9
"""A convolution 3x3 of 4 channels to 8, on a plane of 6x6 without padding."""
PAIRS = 2 * 3 * 7 * 7
"""Scores of 2 sequences of 7 tokens in 3 heads."""
PROJECTION = 3 * 7 * 8 * 8
"""One of the four projections of 3 sequences of 7 tokens, width 8."""
STEPS, BATCH, WIDTH, HIDDEN = 7, 3, 8, 16
LSTM_INPUT, LSTM_STATE = BATCH * 4 * HIDDEN * WIDTH, BATCH * 4 * HIDDEN * HIDDEN
"""Products of one step of an LSTM with its input, and with its state."""
GRU_INPUT, GRU_STATE = BATCH * 3 * HIDDEN * WIDTH, BATCH * 3 * HIDDEN * HIDDEN


def residual() -> nn.Module:
    return Apply(lambda s, x: s.b(s.a(x)) + x, a=nn.Conv2d(4, 8, 1), b=nn.Conv2d(8, 4, 1))


PRODUCTS: dict[str, tuple[nn.Module, tuple[int, ...], int, int]] = {
    # Backward multiply-adds as the first layer, whose input needs no gradient; and behind another one.
    "conv2d": (nn.Conv2d(4, 8, 3), (1, 4, 6, 6), CONV, 2 * CONV),
    "conv2d, no bias": (nn.Conv2d(4, 8, 3, bias=False), (1, 4, 6, 6), CONV, 2 * CONV),
    "conv2d, stride": (nn.Conv2d(4, 8, 3, stride=2, padding=1), (1, 4, 6, 6), 8 * 9 * 4 * 9, 2 * 8 * 9 * 4 * 9),
    "conv2d, groups": (nn.Conv2d(4, 8, 3, padding=1, groups=2), (1, 4, 6, 6), 8 * 36 * 2 * 9, 2 * 8 * 36 * 2 * 9),
    "conv2d, depthwise": (nn.Conv2d(4, 4, 3, padding=1, groups=4), (1, 4, 6, 6), 4 * 36 * 9, 2 * 4 * 36 * 9),
    "conv2d, dilation": (nn.Conv2d(4, 8, 3, dilation=2), (1, 4, 6, 6), 8 * 4 * 4 * 9, 2 * 8 * 4 * 4 * 9),
    "conv2d, no batch": (nn.Conv2d(4, 8, 1), (4, 6, 6), 8 * 36 * 4, 2 * 8 * 36 * 4),
    "conv1d": (nn.Conv1d(4, 8, 3, padding=1), (2, 4, 10), 2 * 8 * 10 * 4 * 3, 2 * 2 * 8 * 10 * 4 * 3),
    "conv3d": (nn.Conv3d(2, 3, 3, padding=1), (1, 2, 4, 4, 4), 3 * 64 * 2 * 27, 2 * 3 * 64 * 2 * 27),
    "conv_transpose2d": (nn.ConvTranspose2d(4, 8, 3, stride=2), (1, 4, 6, 6), 4 * 36 * 8 * 9, 2 * 4 * 36 * 8 * 9),
    "conv_transpose2d, groups": (
        nn.ConvTranspose2d(4, 8, 3, groups=2), (1, 4, 6, 6), 4 * 36 * 4 * 9, 2 * 4 * 36 * 4 * 9,
    ),
    "conv_transpose1d": (nn.ConvTranspose1d(4, 8, 4, stride=2), (2, 4, 5), 40 * 8 * 4, 2 * 40 * 8 * 4),
    "conv_transpose3d": (nn.ConvTranspose3d(2, 3, 2, stride=2), (1, 2, 3, 3, 3), 54 * 3 * 8, 2 * 54 * 3 * 8),
    "linear": (nn.Linear(10, 5), (2, 10), 2 * 10 * 5, 2 * 2 * 10 * 5),
    "linear, no bias": (nn.Linear(10, 5, bias=False), (2, 10), 2 * 10 * 5, 2 * 2 * 10 * 5),
    "linear, three dimensions": (nn.Linear(10, 5), (2, 7, 10), 2 * 7 * 10 * 5, 2 * 2 * 7 * 10 * 5),
    "linear, vector": (nn.Linear(10, 5, bias=False), (10,), 10 * 5, 2 * 10 * 5),
    # 2 pairs of 3 and 4 numbers to 5. The weight's: the pairs of input and gradient, times the other input; then
    # those of the inputs: 120 with the weight, and what is left with the other input.
    "Bilinear": (
        Apply(lambda s, x: s.b(x[:, :3], x[:, 3:]), b=nn.Bilinear(3, 4, 5)),
        (2, 7), 2 * 3 * 5 + 120, 150 + (120 + 2 * 3 * 4) + (120 + 2 * 4 * 5),
    ),
    "residual": (residual(), (1, 4, 6, 6), 3 * 36 * 32, 4 * 36 * 32),
    "used twice": (
        Apply(lambda s, x: s.l(s.l(x)), l=nn.Linear(8, 8, bias=False)), (2, 8), 3 * 2 * 64, 4 * 2 * 64,
    ),
    # One projection of the input to queries, keys and values; a second one, of the output; two products between.
    "MultiheadAttention": (
        attending(batch_first=True), (3, 7, 8), 5 * PROJECTION + 4 * 3 * 7 * 7 * 8, 8 * PROJECTION + 4 * 3 * 7 * 7 * 8,
    ),
    # The scores once more, then the gradients of scores, values, queries and keys.
    "attention": (
        Apply(lambda s, x: functional.scaled_dot_product_attention(s.q(x), x, x), q=nn.PReLU()), (2, 3, 7, 8),
        PAIRS * 5 * 8, PAIRS * 5 * 8,
    ),
    "attention, other widths": (  # in products of its own, which keep the scores
        Apply(lambda s, x: functional.scaled_dot_product_attention(s.q(x), x, x[..., :4]), q=nn.PReLU()), (2, 3, 7, 8),
        PAIRS * (8 + 4), PAIRS * (2 * 8 + 2 * 4),
    ),
    # The initial state needs no gradient.
    "GRU": (
        first(nn.GRU(WIDTH, HIDDEN)), (STEPS, BATCH, WIDTH),
        STEPS * (GRU_INPUT + GRU_STATE) + (STEPS - 1) * GRU_STATE,
        STEPS * (2 * GRU_INPUT + GRU_STATE) + (STEPS - 1) * GRU_STATE,
    ),
    "LSTMCell": (
        first(nn.LSTMCell(WIDTH, HIDDEN)), (BATCH, WIDTH), LSTM_INPUT + LSTM_STATE, 2 * LSTM_INPUT + LSTM_STATE,
    ),
    "Embedding": (Apply(lambda s, x: s.e(x.long()), e=nn.Embedding(9, 5)), (2, 7), 0, 0),
    "EmbeddingBag": (Apply(lambda s, x: s.e(x.long()), e=nn.EmbeddingBag(9, 5)), (2, 7), 0, 0),
    "BatchNorm2d": (nn.BatchNorm2d(4), (2, 4, 6, 6), 0, 0),
    "LayerNorm": (nn.LayerNorm(6), (2, 4, 6), 0, 0),
    "GroupNorm": (nn.GroupNorm(2, 4), (2, 4, 6, 6), 0, 0),
    "RMSNorm": (nn.RMSNorm(6), (2, 4, 6), 0, 0),
}  # fmt: skip


@pytest.mark.parametrize("is_first", [True, False], ids=["first layer", "behind another"])
@pytest.mark.parametrize("name", PRODUCTS)
def test_the_backward_multiply_adds_are_those_worked_by_hand(name: str, is_first: bool) -> None:
    network, shape, alone, behind = PRODUCTS[name]
    walked = stepped(network if is_first else Behind(network), torch.zeros(shape))
    assert [each.operator for each in walked.calls if each.flops is None] == []
    assert sum(each.flops or 0 for each in calls_of(walked, "backward")) == (alone if is_first else behind)


@pytest.mark.parametrize("is_first", [True, False])
@pytest.mark.parametrize("has_biases", [True, False])
def test_a_fused_lstm_has_the_gradients_of_states_and_weights(has_biases: bool, is_first: bool) -> None:
    """OneDNN's operator computes the gradients of all inputs, also those that nothing needs."""
    layer = first(nn.LSTM(WIDTH, HIDDEN, bias=has_biases))
    walked = stepped(layer if is_first else Behind(layer), torch.zeros(STEPS, BATCH, WIDTH))
    (gradient,) = (each for each in walked.calls if "mkldnn_rnn_layer_backward" in each.operator)
    assert gradient.flops == 2 * STEPS * (LSTM_INPUT + LSTM_STATE)
    sums = 8 if has_biases else 0
    assert gradient.elementwise == STEPS * BATCH * HIDDEN * (13 + sums)


@pytest.fixture
def no_onednn() -> Iterator[None]:
    torch._C._set_mkldnn_enabled(False)
    yield
    torch._C._set_mkldnn_enabled(True)


@pytest.mark.usefixtures("no_onednn")
@pytest.mark.parametrize(
    ("kind", "gates", "others", "ends"), [(nn.LSTM, 4, 13, 3), (nn.GRU, 3, 11, 2), (nn.RNN, 1, 2, 1)]
)
def test_the_elementwise_work_of_a_fused_layer_is_that_of_its_parts(
    kind: Callable[[int, int], nn.Module], gates: int, others: int, ends: int
) -> None:
    """A step at a time, but for what the first and the last step lack, and for sums of the matrices' gradients."""
    walked = stepped(first(kind(WIDTH, HIDDEN)), torch.zeros(STEPS, BATCH, WIDTH))
    backward = [each for each in calls_of(walked, "backward") if each.module == "layer"]
    matrices = [each for each in backward if "add" in each.operator and each.outputs[0][0] == gates * HIDDEN]
    parts = sum(each.elementwise for each in backward) - sum(each.elementwise for each in matrices)
    assert parts == BATCH * HIDDEN * (STEPS * (others + 2 * gates) - ends)


N = 2 * 4 * 6 * 6
IMAGE = (2, 4, 6, 6)


def doing(function: Callable[[torch.Tensor], torch.Tensor]) -> nn.Module:
    """Return a function behind a parameter of its input's size, whose gradient is what the function gives back."""
    layer = nn.Module()
    layer.register_parameter("p", nn.Parameter(torch.full(IMAGE, 0.5)))
    return Apply(lambda s, x: function(s.l.p), l=layer)


ELEMENTWISE: dict[str, tuple[nn.Module, int]] = {
    # Elements of the backward pass; the loss's mean divides N, and writes them.
    "conv2d": (nn.Conv2d(4, 4, 1), N + N),
    "conv2d, no bias": (nn.Conv2d(4, 4, 1, bias=False), N),
    "linear": (nn.Linear(6, 6), N + N),
    "BatchNorm2d": (Behind(nn.BatchNorm2d(4)), N + 3 * N + 2 * N),  # the parameter before it: a product and its sum
    "BatchNorm2d, first": (nn.BatchNorm2d(4), N + 2 * N),
    "BatchNorm2d, not affine": (Behind(nn.BatchNorm2d(4, affine=False)), N + N + 2 * N),
    "LayerNorm": (Behind(nn.LayerNorm(6)), N + 3 * N + 2 * N),
    "GroupNorm": (Behind(nn.GroupNorm(2, 4)), N + 3 * N + 2 * N),
    "relu": (doing(functional.relu), N + N),
    "gelu": (doing(functional.gelu), N + N),
    "silu": (doing(functional.silu), N + N),
    "mish": (doing(functional.mish), N + N),
    "hardswish": (doing(functional.hardswish), N + N),
    "softmax": (doing(lambda x: x.softmax(1)), N + N),
    "log_softmax": (doing(lambda x: x.log_softmax(1)), N + N),
    "scaled": (doing(lambda x: x * 2), N + N),
    "shared bias": (Apply(lambda s, x: x + s.l.bias[:, None, None], l=nn.Linear(1, 4)), N + N),
    "max_pool2d": (doing(lambda x: functional.max_pool2d(x, 2)), N // 4),
    "avg_pool2d": (doing(lambda x: functional.avg_pool2d(x, 2)), N // 4),
    "interpolate": (doing(lambda x: functional.interpolate(x, scale_factor=2)), 4 * N),
    "slice": (doing(lambda x: x[:, :2]), N // 2),
}


@pytest.mark.parametrize("name", ELEMENTWISE)
def test_the_backward_elementwise_work_is_that_worked_by_hand(name: str) -> None:
    network, expected = ELEMENTWISE[name]
    walked = stepped(network, torch.zeros(IMAGE))
    assert sum(each.elementwise for each in calls_of(walked, "backward")) == expected


SEQUENCE = torch.tensor([3]), torch.tensor([2])
"""The lengths of the input and of the labels."""

LOSSES: dict[str, tuple[Callable[[torch.Tensor], torch.Tensor], int, int]] = {
    # Elements of the loss, and of its gradient; 3 rows of 4 outputs.
    "mean": (torch.mean, 0, 12),
    "cross_entropy": (lambda x: functional.cross_entropy(x, torch.tensor([0, 1, 2])), 12, 12),
    "nll_loss": (lambda x: functional.nll_loss(x, torch.tensor([0, 1, 2])), 0, 0),
    "mse_loss": (lambda x: functional.mse_loss(x, torch.ones(3, 4)), 12, 12),
    "l1_loss": (lambda x: functional.l1_loss(x, torch.ones(3, 4)), 24, 36),
    "smooth_l1_loss": (lambda x: functional.smooth_l1_loss(x, torch.ones(3, 4)), 12, 12),
    "huber_loss": (lambda x: functional.huber_loss(x, torch.ones(3, 4)), 12, 12),
    "binary_cross_entropy": (lambda x: functional.binary_cross_entropy(x * 0 + 0.5, torch.ones(3, 4)), 36, 24),
    "ctc_loss": (  # 3 steps, one sequence, 4 symbols, 2 labels: a table of 3 x 5 each way; two elements for the mean
        lambda x: functional.ctc_loss(x[:, None].log_softmax(2), torch.tensor([[1, 2]]), *SEQUENCE),
        12 + 15 + 2, 12 + 12 + 15 + 2,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", LOSSES)
def test_losses_have_a_rule(name: str) -> None:
    loss, forward, backward = LOSSES[name]
    walked = stepped(nn.Linear(2, 4, bias=False), torch.zeros(3, 2), loss=loss)
    assert total(walked).unknown == ()
    found = [sum(each.elementwise for each in calls_of(walked, part)) for part in ("forward", "backward")]
    assert found == [forward, backward]


OPTIMISERS: dict[str, tuple[Callable[..., torch.optim.Optimizer], int, bool]] = {
    # Operators for each weight; and whether the optimiser counts its steps, one for each tensor.
    "SGD": (torch.optim.SGD, 1, False),
    "SGD, momentum": (partial(torch.optim.SGD, momentum=0.9), 3, False),
    "SGD, Nesterov, decay": (partial(torch.optim.SGD, momentum=0.9, nesterov=True, weight_decay=0.1), 5, False),
    "Adam": (torch.optim.Adam, 7, True),
    "Adam, AMSGrad, decay": (partial(torch.optim.Adam, amsgrad=True, weight_decay=0.1), 9, True),
    "AdamW": (torch.optim.AdamW, 8, True),
    "AdamW, maximize": (partial(torch.optim.AdamW, maximize=True), 9, True),
    "Adagrad": (torch.optim.Adagrad, 4, True),
    "RMSprop": (torch.optim.RMSprop, 5, True),
}


@pytest.mark.parametrize("way", ["for loop", "foreach", "fused"])
@pytest.mark.parametrize("name", OPTIMISERS)
def test_the_update_does_the_elementwise_work_worked_by_hand(name: str, way: str) -> None:
    """Of 8 weights in two tensors."""
    optimizer, writes, has_steps = OPTIMISERS[name]
    if name == "RMSprop" and way == "fused":
        return  # it has no such operator
    if name == "Adagrad" and way == "foreach":
        writes += 1  # it multiplies gradients by the rate in an operator of its own
    ways = {} if way == "for loop" else {way: True}
    walked = stepped(nn.Linear(3, 2), torch.zeros(4, 3), partial(optimizer, **ways))
    update = calls_of(walked, "update")
    assert sum(each.elementwise for each in update) == 8 * writes + (2 if has_steps else 0)
    assert [each.flops for each in update] == [0] * len(update)


@pytest.mark.parametrize("optimizer", ["Adadelta", "Adamax", "NAdam", "RAdam", "ASGD", "Rprop", "Adafactor"])
def test_the_other_optimisers_have_rules(optimizer: str) -> None:
    walked = stepped(nn.Linear(3, 2), torch.zeros(4, 3), partial(getattr(torch.optim, optimizer), foreach=True))
    assert total(walked).unknown == ()
    assert calls_of(walked, "update")


def recomputed(reentrant: bool) -> nn.Module:
    """Return two linear layers, the second of which is called once more in the backward pass."""
    return Apply(
        lambda s, x: checkpoint(s.b, s.a(x), use_reentrant=reentrant),
        a=nn.Linear(8, 8, bias=False),
        b=nn.Sequential(nn.Linear(8, 8, bias=False), nn.ReLU()),
    )


@pytest.mark.parametrize("reentrant", [True, False])
def test_what_a_checkpoint_computes_once_more_is_counted(reentrant: bool) -> None:
    walked = stepped(recomputed(reentrant), torch.zeros(2, 8))
    forward, backward = (sum(each.flops or 0 for each in calls_of(walked, part)) for part in ("forward", "backward"))
    layer = 2 * 8 * 8
    assert (forward, backward) == (2 * layer, layer + 3 * layer)


def test_gradients_of_gradients_are_counted() -> None:
    """The loss holds the gradient of the input: x W, then g W; and their gradients, two of each product."""

    def penalised(layer: Any, x: torch.Tensor) -> torch.Tensor:
        x = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad((layer.l(x) ** 2).sum(), x, create_graph=True)
        return gradient

    walked = stepped(Apply(penalised, l=nn.Linear(4, 3, bias=False)), torch.ones(2, 4))
    product = 2 * 4 * 3
    assert sum(each.flops or 0 for each in calls_of(walked, "forward")) == 2 * product
    # g W has gradients of g and of W; that of g goes on through x W, which has them of x and of W.
    assert sum(each.flops or 0 for each in calls_of(walked, "backward")) == 4 * product


def test_a_network_that_computes_gradients_itself_is_counted_in_inference_too() -> None:
    """Forces are gradients of an energy: x W and its gradient of x."""

    def forces(layer: Any, x: torch.Tensor) -> torch.Tensor:
        with torch.enable_grad():
            x = x.detach().requires_grad_()
            (gradient,) = torch.autograd.grad(layer.l(x).sum(), x)
        return gradient

    network = Apply(forces, l=nn.Linear(4, 3, bias=False)).requires_grad_(False)
    assert count(network, torch.ones(2, 4)).flops == 2 * (2 * 4 * 3)


def gradients_of(name: str, given: dict[str, Any], written: tuple[int, ...]) -> tuple[int | None, int]:
    """Return the multiply-adds and the element-wise work of an operator that needs another device."""
    output = torch.empty(written)
    return multiply_adds(name, (), given, output), elementwise(name, (), given, [output])


def test_operators_of_other_devices_have_the_same_rules() -> None:
    heads = {each: torch.empty(2, 3, 7, 8) for each in ("query", "key", "value", "out")}
    for kind in ("flash", "efficient", "cudnn"):
        name = f"_scaled_dot_product_{kind}_attention_backward"
        assert gradients_of(name, heads, (2, 3, 7, 8)) == (PAIRS * 5 * 8, 2 * PAIRS)
    shapes = ((4 * HIDDEN, WIDTH), (4 * HIDDEN, HIDDEN), (4 * HIDDEN,), (4 * HIDDEN,))
    recurrent = {
        "input": torch.empty(STEPS, BATCH, WIDTH), "weight": [torch.empty(each) for each in shapes],
        "weight_stride0": 4, "mode": 2, "num_layers": 1, "output": torch.empty(STEPS, BATCH, HIDDEN),
    }  # fmt: skip
    forward = STEPS * (LSTM_INPUT + LSTM_STATE)
    for name in ("_cudnn_rnn_backward", "miopen_rnn_backward"):
        for has_weights in (True, False):
            mask = {"output_mask": (True, False, False, has_weights)}
            found = gradients_of(name, {**recurrent, **mask}, (STEPS, BATCH, WIDTH))
            assert found == (forward * (1 + has_weights), STEPS * BATCH * HIDDEN * 21)
    planes = {"grad_output": torch.empty(IMAGE), "input": torch.empty(IMAGE), "weight": torch.empty(4)}
    for name in ("cudnn_batch_norm_backward", "miopen_batch_norm_backward"):
        assert gradients_of(name, planes, IMAGE) == (0, 3 * N)
    image = {"self": torch.empty(1, 4, 6, 6), "grad_output": torch.empty(1, 8, 4, 4), "weight": torch.empty(8, 4, 3, 3)}
    found = gradients_of("mps_convolution_backward", {**image, "output_mask": (True, True, True)}, (1, 4, 6, 6))
    assert found == (2 * CONV, 8 * 16)


def test_minimal_filtering_may_save_the_window_in_gradients_too() -> None:
    walked = stepped(Behind(nn.Conv2d(4, 8, 3, bias=False)), torch.zeros(1, 4, 6, 6))
    assert total(walked).flops == 3 * CONV
    assert total(walked).least_flops == 3 * CONV // 9


def test_the_papers_formula_counts_each_gradient_as_a_convolution() -> None:
    moved = 4 * 36 + 8 * 16 + 8 * 4 * 9
    first_layer = stepped(nn.Conv2d(4, 8, 3), torch.zeros(1, 4, 6, 6))
    behind = stepped(Behind(nn.Conv2d(4, 8, 3)), torch.zeros(1, 4, 6, 6))
    assert [total(each).mac_elements for each in (first_layer, behind)] == [2 * moved, 3 * moved]
