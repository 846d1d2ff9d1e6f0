"""Operators that call functions: what these functions do is counted, as often as they run."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch._higher_order_ops import associative_scan, scan, while_loop
from torch._higher_order_ops.map import map as mapped
from torch._ops import HigherOrderOperator
from torch.nn.attention.flex_attention import create_block_mask, flex_attention

from benchcli.cost.count import count, total, walk
from benchcli.cost.inputs import Inputs
from benchcli.cost.training import TrainingStep
from tests.cost.networks import Apply, apply

pytestmark = [
    pytest.mark.keeps("environment variables", "recursion limit", "sys.modules", "threads"),  # torch.compile
    pytest.mark.keeps("torch: operators"),  # vmap defines its own
    pytest.mark.filterwarnings("ignore:.*flex_attention called without torch.compile"),
]
LOOP: Any = while_loop
MAP: Any = mapped
CUBE = 4 * 4 * 4
"""A product of two 4x4 matrices."""


@pytest.fixture(autouse=True)
def fresh() -> Iterator[None]:
    yield
    torch.compiler.reset()


def branching(threshold: float) -> nn.Module:
    return apply(lambda x: torch.cond(x.sum() > threshold, lambda x: x @ x, lambda x: x @ x @ x, (x,)))


def looping(times: int) -> nn.Module:
    def run(x: torch.Tensor) -> Any:
        return LOOP(lambda i, _: i < times, lambda i, x: (i + 1, x @ x), (torch.tensor(0), x))

    return apply(run)


def nested(x: torch.Tensor) -> Any:
    """Two iterations, in each of which a branch of two products is taken."""

    def body(i: torch.Tensor, x: torch.Tensor) -> Any:
        return i + 1, torch.cond(x.sum() < 0, lambda x: x.clone(), lambda x: x @ x @ x, (x,))

    return LOOP(lambda i, _: i < 2, body, (torch.tensor(0), x))


def scanned(x: torch.Tensor) -> Any:
    return scan(lambda carry, row: (carry @ carry, carry @ row), torch.eye(4), x)


def summed(x: torch.Tensor) -> Any:
    return associative_scan(lambda one, other: one + other, x, 0, combine_mode="generic")


CASES: dict[str, tuple[nn.Module, tuple[int, ...], int]] = {
    "cond, cheap branch": (branching(-1e9), (4, 4), CUBE),
    "cond, dear branch": (branching(1e9), (4, 4), 2 * CUBE),
    "while_loop": (looping(3), (4, 4), 3 * CUBE),
    "while_loop, no iteration": (looping(0), (4, 4), 0),
    "cond in while_loop": (apply(nested), (4, 4), 2 * 2 * CUBE),
    "scan": (apply(scanned), (5, 4, 4), 5 * 2 * CUBE),
    "map": (apply(lambda x: MAP(lambda row, other: row @ other, x, torch.eye(4))), (5, 4, 4), 5 * CUBE),
    "associative_scan": (apply(summed), (5, 4), 0),
}


@pytest.mark.parametrize("name", CASES)
def test_what_ran_is_counted(name: str) -> None:
    network, shape, expected = CASES[name]
    costs = count(network, torch.ones(shape) / 8)
    assert (costs.flops, costs.unknown) == (expected, ())


class Branching(nn.Module):
    """One linear layer, or two of them."""

    def __init__(self, threshold: float) -> None:
        super().__init__()
        self.layer, self.threshold = nn.Linear(4, 4, bias=False), threshold

    def forward(self, x: torch.Tensor) -> Any:
        return torch.cond(x.sum() > self.threshold, self.layer, lambda x: self.layer(self.layer(x)), (x,))


@pytest.mark.parametrize(("threshold", "flops"), [(-1e9, 2 * 32), (1e9, 2 * 32 + 3 * 32)])
def test_the_branch_that_ran_is_trained(threshold: float, flops: int) -> None:
    """A layer has its weight's gradient, and a second one the gradient of its input too."""
    network, inputs = Branching(threshold), torch.ones(2, 4)
    walked = walk(network, inputs, TrainingStep(network, Inputs((inputs,))))
    assert (total(walked).flops, total(walked).unknown) == (flops, ())


def bias(score: Any, _batch: Any, _head: Any, query: Any, key: Any) -> Any:
    return score + (query - key)


def causal(_batch: Any, _head: Any, query: Any, key: Any) -> Any:
    return query >= key


FLEX: dict[str, tuple[Callable[[torch.Tensor], Any], tuple[int, ...], int]] = {
    "plain": (lambda x: flex_attention(x, x, x), (1, 2, 128, 16), 2 * 128 * 128 * 32),
    "score": (lambda x: flex_attention(x, x, x, score_mod=bias), (2, 2, 32, 8), 2 * 2 * 32 * 32 * 16),
    "grouped queries": (
        lambda x: flex_attention(x, x[:, :1], x[:, :1], enable_gqa=True), (1, 2, 32, 8), 2 * 32 * 32 * 16,
    ),
    "other lengths": (lambda x: flex_attention(x, x[:, :, :16], x[:, :, :16]), (1, 2, 32, 8), 2 * 32 * 16 * 16),
}  # fmt: skip


@pytest.mark.parametrize("name", FLEX)
def test_flex_attention_has_the_products_of_every_pair(name: str) -> None:
    function, shape, expected = FLEX[name]
    costs = count(apply(function), torch.ones(shape))
    assert (costs.flops, costs.unknown) == (expected, ())


def test_blocks_that_a_mask_skips_are_counted_as_what_a_mask_hides() -> None:
    mask = create_block_mask(causal, None, None, 256, 256, device="cpu")
    costs = count(apply(lambda x: flex_attention(x, x, x, block_mask=mask)), torch.ones(1, 2, 256, 16))
    assert (costs.flops, costs.unknown) == (2 * 256 * 256 * 32, ())


def test_rows_of_functions_stand_under_the_module_that_calls_them() -> None:
    network = nn.Sequential(nn.Identity(), branching(-1e9))
    assert {call.module for call in walk(network, torch.ones(4, 4)).calls} == {"1"}


def test_an_operator_whose_functions_cannot_be_watched_makes_a_lower_bound() -> None:
    class Twice(HigherOrderOperator):
        def __init__(self) -> None:
            super().__init__("benchcli_twice")  # type: ignore[no-untyped-call]

        def __call__(self, function: Any, x: torch.Tensor) -> Any:
            return super().__call__(function, x)  # type: ignore[no-untyped-call]

    twice = Twice()
    twice.fallthrough(torch._C.DispatchKey.AutogradCPU)  # type: ignore[no-untyped-call]
    twice.py_impl(torch._C.DispatchKey.CompositeExplicitAutograd)(lambda function, x: function(function(x)))
    costs = count(Apply(lambda s, x: s.c(twice(lambda y: y @ y, x)), c=nn.Linear(4, 4)), torch.ones(4, 4))
    assert costs.flops == CUBE
    assert costs.unknown == ("the functions of the higher-order operator benchcli_twice",)


def test_a_network_that_insists_on_being_compiled_is_counted_as_it_was_written() -> None:
    layer = nn.Linear(4, 4)
    compiled = torch.compile(lambda x: layer(x).relu(), fullgraph=True, backend="eager")
    assert count(apply(compiled), torch.ones(2, 4)).flops == 2 * 4 * 4
