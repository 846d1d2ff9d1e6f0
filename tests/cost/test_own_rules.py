"""Rules of the user's own for the operators of other libraries."""

import base64
import pickle
from collections.abc import Callable

import pytest
import torch

from benchcli import cost_rule
from benchcli.cost import own_rules
from benchcli.cost.count import count, walk
from benchcli.errors import CostRuleError, UserError
from benchcli.schema import OWN
from tests.cost.networks import apply, unruled

NAME = "benchcli_tests::unruled"
INPUTS = torch.ones(3, 5)


@torch.library.custom_op("benchcli_tests::product", mutates_args=())
def product(one: torch.Tensor, other: torch.Tensor, transposed: bool = False) -> torch.Tensor:
    """Return a product of two matrices."""
    return one @ (other.t() if transposed else other)


@torch.library.custom_op("benchcli_tests::square", mutates_args={"inputs"})
def square(inputs: torch.Tensor) -> None:
    """Square a matrix in place, and return nothing."""
    inputs.copy_(inputs @ inputs)


@torch.library.custom_op("benchcli_tests::halves", mutates_args=())
def halves(inputs: list[torch.Tensor]) -> list[torch.Tensor]:
    """Return halves of several tensors."""
    return [each / 2 for each in inputs]


def of_product(
    one: torch.Size, other: torch.Size, transposed: bool = False, out_shape: torch.Size | None = None
) -> int:
    assert out_shape == (one[0], other[0] if transposed else other[1])
    return one[0] * one[1] * out_shape[1]


def test_a_rule_makes_the_count_complete() -> None:
    network = apply(lambda x: product(x, x.t().contiguous()))
    assert count(network, INPUTS).unknown == ("benchcli_tests.product.default of 3x5 and 5x3",)
    cost_rule("benchcli_tests::product")(of_product)
    costs = count(network, INPUTS)
    assert (costs.flops, costs.unknown) == (3 * 5 * 3, ())
    assert [call.basis for call in walk(network, INPUTS).calls if "product" in call.operator] == [OWN]


def test_a_rule_gets_what_the_operator_got_with_shapes_for_tensors() -> None:
    cost_rule("benchcli_tests::product")(of_product)
    assert count(apply(lambda x: product(x, x, transposed=True)), INPUTS).flops == 3 * 5 * 3


def test_a_rule_of_an_operator_that_returns_nothing_gets_no_shape() -> None:
    @cost_rule("benchcli_tests::square")
    def rule(shape: torch.Size, out_shape: None) -> int:
        assert out_shape is None
        return shape[0] ** 3

    assert count(apply(lambda x: (square(x), x)[1]), torch.ones(4, 4)).flops == 64


def test_a_rule_gets_lists_of_shapes_for_lists_of_tensors() -> None:
    @cost_rule("benchcli_tests::halves")
    def rule(shapes: list[torch.Size], out_shape: list[torch.Size]) -> int:
        assert shapes == out_shape
        return sum(shape.numel() for shape in shapes)

    assert count(apply(lambda x: halves([x, x[:1]])), INPUTS).flops == 15 + 5


@pytest.mark.parametrize(
    ("rule", "says"),
    [
        (lambda *_, **__: -3, "returned -3: it must return a whole number of 0 or more"),
        (lambda *_, **__: 1.5, "returned 1.5"),
        (lambda *_, **__: None, "returned None"),
        (lambda *_, **__: True, "returned True"),
        (lambda *_, **__: "7", "returned '7'"),
        (lambda shape, **_: shape[9], "raised IndexError: tuple index out of range"),
        (lambda: 3, "raised TypeError: "),
    ],
)
def test_a_rule_that_returns_nonsense_is_refused(rule: Callable[..., object], says: str) -> None:
    cost_rule(NAME)(rule)
    with pytest.raises(UserError, match=f"the cost rule of {NAME} {says}"):
        count(apply(unruled), INPUTS)


@pytest.mark.parametrize("name", ["aten::mm", "aten::relu", "aten::sum", "aten::linalg_inv_ex", "aten::relu_"])
def test_an_operator_that_has_a_rule_takes_no_other(name: str) -> None:
    cost_rule(name)(lambda *_, **__: 1)
    with pytest.raises(UserError, match=f"{name} has a rule of benchcli already: leave its cost rule out"):
        count(apply(unruled), INPUTS)


@pytest.mark.parametrize("name", ["aten::einsum", "aten::linalg_svdvals"])
def test_an_operator_that_is_made_of_others_takes_no_rule(name: str) -> None:
    cost_rule(name)(lambda *_, **__: 1)
    with pytest.raises(UserError, match=f"{name} is made of other operators, which are counted"):
        count(apply(unruled), INPUTS)


@pytest.mark.parametrize("name", ["benchcli_tests::unrulde", "nowhere::op", "aten::conv9d"])
def test_a_rule_names_an_operator_that_is_there(name: str) -> None:
    cost_rule(name)(lambda *_, **__: 1)
    with pytest.raises(UserError, match=f"no operator is named {name}"):
        count(apply(unruled), INPUTS)


@pytest.mark.parametrize("name", ["op", "mylib.op", "my-lib::op", "a::b::c", "::", 3])
def test_a_name_has_a_library(name: str) -> None:
    with pytest.raises(UserError, match='names its operator as "library::name"'):
        cost_rule(name)


def test_an_operator_of_torch_that_has_no_rule_takes_one() -> None:
    network = apply(lambda x: torch._standard_gamma(x))
    assert not count(network, INPUTS).flops_complete
    cost_rule("aten::_standard_gamma")(lambda shape, *_, **__: shape.numel())
    assert count(network, INPUTS).flops == 15


def test_an_operator_has_one_rule() -> None:
    def one(*_: object, **__: object) -> int:
        return 1

    def other(*_: object, **__: object) -> int:
        return 2

    cost_rule(NAME)(one)
    cost_rule(NAME)(one)
    with pytest.raises(UserError, match=f"{NAME} has two cost rules, .*one and .*other: keep one"):
        cost_rule(NAME)(other)
    with pytest.raises(UserError, match="is a int: give a function"):
        cost_rule(NAME)(3)  # type: ignore[type-var]


def test_rules_are_sent_by_value() -> None:
    width = 7
    cost_rule(NAME)(lambda shape, out_shape: shape.numel() * width)
    text = own_rules.sent()
    own_rules.rules.clear()
    assert own_rules.sent() == ""
    own_rules.receive(text)
    assert count(apply(unruled), INPUTS).flops == 15 * 7
    assert list(pickle.loads(base64.b64decode(text))) == [NAME]


def test_a_received_rule_gives_way_to_that_of_the_module_itself() -> None:
    cost_rule(NAME)(lambda *_, **__: 1)
    text = own_rules.sent()
    own_rules.rules.clear()
    own_rules.receive(text)

    @cost_rule(NAME)
    def rule(*_: object, **__: object) -> int:
        return 2

    assert count(apply(unruled), INPUTS).flops == 2


def test_what_cannot_be_sent_is_one_line() -> None:
    lock = (number for number in range(3))
    cost_rule(NAME)(lambda *_, **__: next(lock))
    with pytest.raises(CostRuleError, match=f"the cost rules of {NAME} cannot be sent to the measured process"):
        own_rules.sent()
