"""What is kept of a network's output, and what of its inputs."""

import math
from collections import OrderedDict, namedtuple
from dataclasses import dataclass
from typing import Any

import pytest
import torch

from benchcli.cost.inputs import Inputs
from benchcli.guards.output_parts import CANCELLED, MOST_PLAIN, VARIES, described, hash_of, plain
from benchcli.schema import Output

Pair = namedtuple("Pair", "scores ids")


@dataclass
class Scores:
    scores: torch.Tensor
    count: int = 5


def output_of(result: object, again: object = None) -> Output:
    return described(result, plain(result if again is None else again))


def test_every_part_has_its_place_its_type_and_what_is_compared() -> None:
    result = {"scores": torch.tensor([1.0, -2.0]), "ids": torch.tensor([3, 4]), "n": 5, "label": "cat", "loss": 0.5}
    whole, ids, label, loss, n, scores = output_of(result).parts
    assert (whole.name, whole.kind, whole.exact) == ("", "dict", "'ids', 'label', 'loss', 'n', 'scores'")
    assert (ids.kind, ids.shape, ids.fingerprint, len(ids.exact)) == ("int64", (2,), (), 16)
    assert (scores.kind, scores.shape, len(scores.fingerprint), scores.exact) == ("float32", (2,), 24, "")
    assert [(each.kind, each.exact, each.fingerprint) for each in (label, loss, n)] == [
        ("str", "'cat'", ()),
        ("float", "", (0.5,)),
        ("int", "5", ()),
    ]


@pytest.mark.parametrize(
    ("result", "kind"),
    [
        ((torch.ones(1),), "tuple"),
        ([torch.ones(1)], "list"),
        (Pair(torch.ones(1), torch.ones(1)), "namedtuple"),
        (Scores(torch.ones(1)), "dataclass"),
        (OrderedDict(a=torch.ones(1)), "OrderedDict"),
        (torch.ones(2, 2).max(0), "tuple"),
    ],
)
def test_containers_are_told_by_their_kind_and_not_by_the_name_of_their_class(result: object, kind: str) -> None:
    assert output_of(result).parts[0].kind == kind


def test_the_order_of_keys_counts_where_the_type_has_one() -> None:
    one, two = torch.ones(1), torch.zeros(1)
    assert output_of({"a": one, "b": two}) == output_of({"b": two, "a": one})
    assert output_of(OrderedDict(a=one, b=two)) != output_of(OrderedDict(b=two, a=one))
    assert output_of({1: one}) != output_of({"1": one})


def test_whole_numbers_and_booleans_differ_by_one_bit() -> None:
    ids = torch.arange(64)
    other = ids.clone()
    other[63] = 7
    assert output_of(ids) != output_of(other)
    assert output_of(ids) != output_of(ids.int())
    assert output_of(ids > 3) != output_of(ids > 4)
    large = torch.tensor([2**60])
    assert output_of(large) != output_of(large + 1)


def test_a_plain_value_that_differs_from_call_to_call_is_not_compared() -> None:
    (_, calls, _) = output_of({"calls": 1, "x": torch.ones(1)}, {"calls": 2, "x": torch.ones(1)}).parts
    assert calls.exact == VARIES


def test_many_or_long_plain_values_are_hashed() -> None:
    def of(last: int) -> Output:
        return output_of((torch.ones(1), [*range(2 * MOST_PLAIN), last], "x" * 10_000))

    assert of(1) == of(1)
    assert of(1) != of(2)
    assert len(of(1).parts) == MOST_PLAIN + 2
    assert max(len(part.exact) for part in of(1).parts) < 100


@pytest.mark.parametrize(
    ("values", "is_finite"),
    [
        ((torch.full((3,), math.inf), torch.ones(2)), True),
        ((torch.full((3,), math.inf),), False),
        ((torch.tensor([1.0, math.nan]), torch.ones(2)), False),
    ],
)
def test_an_output_is_finite_with_a_finite_value_and_no_nan(values: tuple[torch.Tensor, ...], is_finite: bool) -> None:
    assert output_of(values).is_finite is is_finite


def test_gradients_are_compared_down_to_the_rounding_of_all_together() -> None:
    gradients = [("weight", torch.tensor([3.0])), ("bias", torch.tensor([4e-9]))]
    found = described(torch.ones(1), {}, gradients).parts[1:]
    assert [each.name for each in found] == ["gradient.weight", "gradient.bias"]
    norm = math.hypot(*found[0].fingerprint)
    assert [each.rounding for each in found] == [pytest.approx(CANCELLED * norm)] * 2


def inputs(**more: Any) -> Inputs:
    return Inputs((torch.tensor([1.0, 2.0]), [torch.tensor([3])]), more)


def test_inputs_have_a_hash_of_all_their_values() -> None:
    assert hash_of(inputs()) == hash_of(inputs())
    others = [
        Inputs((torch.tensor([1.0, 2.0 + 3e-7]), [torch.tensor([3])])),
        Inputs((torch.tensor([[1.0, 2.0]]), [torch.tensor([3])])),
        Inputs((torch.tensor([1.0, 2.0]), [torch.tensor([4])])),
        Inputs((torch.tensor([1.0, 2.0]), (torch.tensor([3]),))),
        inputs(use_cache=True),
        inputs(use_cache=False),
    ]
    assert len({hash_of(each) for each in (inputs(), *others)}) == 7
