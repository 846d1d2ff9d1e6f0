"""The bytes that training steps move and keep, worked by hand."""

from collections.abc import Callable
from functools import partial

import pytest
import torch
from torch import nn
from torch.nn import functional
from torch.utils.checkpoint import checkpoint

from benchcli.cost.count import count, total
from benchcli.schema import OperatorCall
from tests.cost.networks import Apply, Behind, apply, calls_of, stepped

INPUT, HIDDEN, OUTPUT, FIRST, SECOND = 48, 96, 24, 128, 64
"""Bytes of three rows of 4, 8 and 2 numbers, and of the matrices between them."""
WEIGHTS = FIRST + SECOND
ROWS = torch.zeros(3, 4)
SGD, MOMENTUM = torch.optim.SGD, partial(torch.optim.SGD, momentum=0.9)


def perceptron() -> nn.Module:
    return nn.Sequential(nn.Linear(4, 8, bias=False), nn.ReLU(), nn.Linear(8, 2, bias=False))


def test_each_operator_of_a_step_reads_and_writes_what_it_needs() -> None:
    walked = stepped(perceptron(), ROWS, SGD)
    assert [(each.operator.split(".")[1], each.mac_bytes, each.mac_fused_bytes) for each in walked.calls] == [
        ("mm", INPUT + FIRST + HIDDEN, INPUT + FIRST + HIDDEN),
        ("relu", 2 * HIDDEN, 0),
        ("mm", HIDDEN + SECOND + OUTPUT, HIDDEN + SECOND + OUTPUT),
        ("mean", OUTPUT + 4, OUTPUT + 4),
        ("ones_like", 8, 8),
        ("div", 4 + OUTPUT, 4 + OUTPUT),
        ("mm", OUTPUT + SECOND + HIDDEN, OUTPUT + SECOND + HIDDEN),
        ("mm", OUTPUT + HIDDEN + SECOND, OUTPUT + HIDDEN + SECOND),
        ("threshold_backward", 3 * HIDDEN, HIDDEN),
        ("mm", HIDDEN + INPUT + FIRST, HIDDEN + INPUT + FIRST),
        ("add_", 3 * FIRST, FIRST),
        ("add_", 3 * SECOND, SECOND),
    ]


@pytest.mark.parametrize(
    ("optimizer", "compulsory", "weights"),
    [
        (None, INPUT + 2 * WEIGHTS, WEIGHTS),  # weights are read, gradients are written
        (SGD, INPUT + 3 * WEIGHTS, WEIGHTS),  # and weights are written
        (MOMENTUM, INPUT + 5 * WEIGHTS, 2 * WEIGHTS),  # and so is the momentum, which is read as well
        (partial(torch.optim.SGD, momentum=0.9, fused=True), INPUT + 5 * WEIGHTS, 2 * WEIGHTS),
        (partial(torch.optim.SGD, momentum=0.9, foreach=True), INPUT + 5 * WEIGHTS, 2 * WEIGHTS),
        # Two moments, and a step for each matrix.
        (torch.optim.Adam, INPUT + 7 * WEIGHTS + 2 * 8, 3 * WEIGHTS + 8),
    ],
)
def test_a_step_must_move_input_weights_gradients_and_state(
    optimizer: Callable[[list[nn.Parameter]], torch.optim.Optimizer] | None, compulsory: int, weights: int
) -> None:
    costs = total(stepped(perceptron(), ROWS, optimizer))
    assert (costs.mac_compulsory_bytes, costs.weight_bytes) == (compulsory, weights)
    assert costs.params == 4 * 8 + 8 * 2


def test_frozen_weights_have_no_gradient_and_are_not_written() -> None:
    network = perceptron()
    network[0].requires_grad_(False)  # type: ignore[index]
    costs = total(stepped(network, ROWS, SGD))
    assert costs.mac_compulsory_bytes == INPUT + WEIGHTS + 2 * SECOND


def of(walked: list[OperatorCall], name: str) -> OperatorCall:
    (found,) = (each for each in walked if each.operator.startswith(f"aten.{name}."))
    return found


def test_a_convolution_reads_only_what_the_gradients_that_it_computes_need() -> None:
    image, weight, output = 4 * 4 * 36, 4 * 8 * 4 * 9, 4 * 8 * 16
    backwards = [
        of(calls_of(stepped(network, torch.zeros(1, 4, 6, 6)), "backward"), "convolution_backward").mac_bytes
        for network in (
            nn.Conv2d(4, 8, 3, bias=False),
            Behind(nn.Conv2d(4, 8, 3)),
            Behind(nn.Conv2d(4, 8, 3, bias=False).requires_grad_(False)),
        )
    ]
    assert backwards == [
        output + image + weight,
        output + image + weight + (image + weight + 4 * 8),
        output + weight + image,
    ]


PLANE = 4 * 4 * 36
POOL = PLANE // 4


def poolings(kind: type[nn.Module], *settings: object) -> tuple[int, int]:
    """Return the bytes of a pooling with windows of 2x2, and of its gradient."""
    walked = stepped(Behind(kind(*settings)), torch.zeros(1, 4, 6, 6))
    forward = calls_of(walked, "forward")[1]
    (backward,) = (each for each in calls_of(walked, "backward") if "pool" in each.operator)
    return forward.mac_bytes, backward.mac_bytes


def test_a_pooling_keeps_its_places_and_its_gradient_reads_no_image() -> None:
    indices = 2 * POOL  # of 8 bytes
    assert poolings(nn.MaxPool2d, 2) == (PLANE + POOL + indices, POOL + indices + PLANE)
    assert poolings(nn.AvgPool2d, 2) == (PLANE + POOL, POOL + PLANE)
    assert poolings(nn.AdaptiveAvgPool2d, 3) == (PLANE + POOL, POOL + PLANE)


def test_batch_normalisation_writes_its_statistics() -> None:
    """Four of each channel: mean and deviation for the backward pass, and the two running ones."""
    walked = stepped(nn.BatchNorm2d(4), torch.zeros(2, 4, 6, 6))
    forward, backward = of(walked.calls, "native_batch_norm"), of(walked.calls, "native_batch_norm_backward")
    assert forward.mac_bytes == 2 * (2 * PLANE) + 16 * (2 + 2 + 4)
    assert forward.mac_fused_bytes == forward.mac_bytes
    assert backward.mac_bytes == 2 * (2 * PLANE) + 16 * (1 + 2 + 2)  # no gradient of the input


def test_a_loss_reads_one_element_of_each_row() -> None:
    labels = torch.tensor([0, 1, 2])
    walked = stepped(nn.Linear(4, 9, bias=False), ROWS, loss=lambda x: functional.nll_loss(x, labels))
    forward, backward = of(walked.calls, "nll_loss_forward"), of(walked.calls, "nll_loss_backward")
    assert forward.mac_bytes == 3 * 4 + 3 * 8 + 4 + 4  # elements, labels, the loss and the sum of weights
    assert backward.mac_bytes == 4 + 3 * 8 + 4 + 3 * 9 * 4


def test_an_update_that_scales_gradients_writes_them() -> None:
    scaled = partial(torch.optim.SGD, fused=True)
    plain = of(calls_of(stepped(perceptron(), ROWS, scaled), "update"), "_fused_sgd_")
    assert plain.mac_bytes == 3 * WEIGHTS

    def with_scale(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
        optimizer = torch.optim.SGD(parameters, fused=True)
        optimizer.grad_scale = torch.ones(())  # type: ignore[attr-defined]
        return optimizer

    assert of(calls_of(stepped(perceptron(), ROWS, with_scale), "update"), "_fused_sgd_").mac_bytes == 4 * WEIGHTS + 4


SQUARE = torch.zeros(10, 10)
BYTES = 400


def tanhs(kept: bool = True) -> nn.Module:
    def four(x: torch.Tensor) -> torch.Tensor:
        return x.tanh().tanh().tanh().tanh()

    return Behind(apply(four if kept else lambda x: checkpoint(four, x, use_reentrant=False)))


def test_the_peak_has_what_the_backward_pass_keeps() -> None:
    # The input, its product with a number, which the function's argument holds, and what one tanh reads and writes.
    assert count(tanhs(), SQUARE).peak_activation_bytes == 4 * BYTES
    # Input, the outputs of the four, two gradients, the loss and its gradient.
    assert total(stepped(tanhs(), SQUARE)).peak_activation_bytes == 7 * BYTES + 8


def test_the_peak_has_the_gradients_of_the_weights_and_not_the_state() -> None:
    layer, row = 4 * 100 * 100, 400
    # Input, output and its gradient, loss and its gradient, and the weight's.
    peak = layer + 3 * row + 8
    for optimizer in (None, SGD, MOMENTUM):
        walked = stepped(nn.Linear(100, 100, bias=False), torch.zeros(1, 100), optimizer)
        assert total(walked).peak_activation_bytes == peak


def test_the_last_steps_gradients_are_there_in_the_forward_pass() -> None:
    """They are cleared before the backward pass: here, the forward pass has the peak."""
    rows, hidden = 100, 4 * 100 * 50
    network = Apply(lambda s, x: s.l(x).detach().exp().sum() + s.l(x[:1]).sum(), l=nn.Linear(4, 50, bias=False))
    weight = 4 * 4 * 50
    assert total(stepped(network, torch.zeros(rows, 4))).peak_activation_bytes == weight + 4 * 4 * rows + 2 * hidden


def test_a_checkpoint_keeps_less() -> None:
    deep = [nn.Sequential(*[tanhs(kept) for _ in range(4)]) for kept in (True, False)]
    peaks = [total(stepped(network, SQUARE)).peak_activation_bytes or 0 for network in deep]
    assert peaks[1] < peaks[0]
