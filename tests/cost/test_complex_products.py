"""A multiply-add of complex numbers is four of real ones, wherever it stands."""

from collections.abc import Callable

import pytest
import torch
from torch import nn
from torch.nn import functional

from benchcli.cost.count import count, total, walk
from benchcli.cost.inputs import Inputs
from benchcli.cost.training import TrainingStep
from tests.cost.networks import Apply, apply

COMPLEX = torch.complex64
WEIGHT = torch.ones(8, 4, 3, 3)


def ones(*shape: int) -> torch.Tensor:
    return torch.ones(shape, dtype=COMPLEX)


def module(layer: nn.Module) -> nn.Module:
    return Apply(lambda self, x: self.layer(x), layer=layer)


CASES: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    "mm": (apply(lambda x: x @ x.t()), (4, 5), 4 * 4 * 5),
    "mv": (apply(lambda x: x @ x[0]), (4, 5), 4 * 5),
    "dot": (apply(lambda x: torch.dot(x, x)), (7,), 7),
    "vdot": (apply(lambda x: torch.vdot(x, x)), (7,), 7),
    "linear": (module(nn.Linear(10, 5, dtype=COMPLEX)), (2, 10), 2 * 10 * 5),
    "einsum": (apply(lambda x: torch.einsum("bij,bkj->bik", x, x)), (3, 4, 5), 3 * 4 * 4 * 5),
    "bilinear": (
        Apply(lambda self, x: self.layer(x, x), layer=nn.Bilinear(3, 3, 5, dtype=COMPLEX)), (2, 3), 2 * 5 * (9 + 3),
    ),
    "attention by hand": (apply(lambda x: (x @ x.mT).abs().softmax(-1).to(COMPLEX) @ x), (3, 4, 5), 2 * 3 * 4 * 4 * 5),
    "conv1d": (module(nn.Conv1d(4, 8, 3, dtype=COMPLEX)), (2, 4, 10), 2 * 8 * 8 * 4 * 3),
    "conv2d": (module(nn.Conv2d(4, 8, 3, bias=False, dtype=COMPLEX)), (1, 4, 6, 6), 8 * 16 * 4 * 9),
    "conv2d, bias, groups": (module(nn.Conv2d(4, 8, 3, groups=2, dtype=COMPLEX)), (1, 4, 6, 6), 8 * 16 * 2 * 9),
    "conv2d, no batch": (module(nn.Conv2d(4, 8, 1, dtype=COMPLEX)), (4, 6, 6), 8 * 36 * 4),
    "conv3d": (module(nn.Conv3d(2, 3, 3, dtype=COMPLEX)), (1, 2, 4, 4, 4), 3 * 8 * 2 * 27),
    "transposed": (module(nn.ConvTranspose2d(4, 8, 3, stride=2, dtype=COMPLEX)), (1, 4, 6, 6), 4 * 36 * 8 * 9),
    "conjugated": (
        apply(lambda x: functional.conv2d(x.conj(), ones(8, 4, 3, 3).conj())), (1, 4, 6, 6), 8 * 16 * 4 * 9,
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", CASES)
def test_a_complex_multiply_add_is_four_real_ones(name: str) -> None:
    network, shape, products = CASES[name]
    costs = count(network, ones(*shape))
    assert (costs.flops, costs.unknown) == (4 * products, ())


@pytest.mark.parametrize("inference", [True, False])
def test_a_complex_convolution_is_taken_apart_alike(inference: bool) -> None:
    def convolved(x: torch.Tensor) -> torch.Tensor:
        with torch.inference_mode(inference):
            return functional.conv2d(x, ones(8, 4, 3, 3))

    products = [call.flops for call in walk(apply(convolved), ones(1, 4, 6, 6)).calls if "convolution" in call.operator]
    one = 8 * 16 * 4 * 9
    assert products == [one, one, 2 * one]


def test_the_gradients_of_a_complex_convolution_are_complex() -> None:
    layer = nn.Conv2d(4, 8, 3, dtype=COMPLEX)
    inputs = Inputs((ones(1, 4, 6, 6).requires_grad_(),))
    costs = total(walk(layer, inputs, TrainingStep(layer, inputs)))
    assert (costs.flops, costs.unknown) == (3 * 4 * 8 * 16 * 4 * 9, ())


def test_the_elements_of_complex_element_wise_work_are_counted_once() -> None:
    assert count(apply(lambda x: x * x + x), ones(4, 5)).elementwise == 2 * 4 * 5


@pytest.mark.parametrize(
    ("convolve", "convolutions"),
    [
        (lambda r, i: (functional.conv2d(r, WEIGHT), functional.conv2d(i, WEIGHT)), 2),
        (lambda r, i: functional.conv2d(r + i, WEIGHT), 1),
        (lambda r, i: functional.conv2d(r + r, WEIGHT), 1),
    ],
)
def test_real_convolutions_of_the_parts_of_a_complex_image_are_real(
    convolve: Callable[[torch.Tensor, torch.Tensor], object], convolutions: int
) -> None:
    def parts(x: torch.Tensor) -> object:
        pairs = torch.view_as_real(x)
        return convolve(pairs[..., 0], pairs[..., 1])

    assert count(apply(parts), ones(1, 4, 6, 6)).flops == convolutions * 8 * 16 * 4 * 9
