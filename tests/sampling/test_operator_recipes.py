"""Recipes of operators: what a network calls, in a form in which a fresh process calls it again."""

import json

import pytest
import torch
from torch import nn

from benchcli.backends.devices.base import DEVICES
from benchcli.cost.inputs import as_inputs
from benchcli.sampling.operator_recipes import RecipeError, operator_list, operator_named
from benchcli.sampling.operator_times import prepare, time_operators
from benchcli.schema import Costs, Target
from benchcli.schema.protocol import OPERATORS, Event, OperatorTimed, Task
from benchcli.schema.recipes import OperatorList, OperatorRecipe
from benchcli.schema.structure import structure

COSTS = Costs(100, 10, 5, 20, 80, 60, 40, weight_bytes=40)


class Halves(nn.Module):
    """Half of its channels go through a convolution, as in ShuffleNet V2's units."""

    def __init__(self) -> None:
        super().__init__()
        self.conv, self.relu = nn.Conv2d(4, 4, 3, padding=1), nn.ReLU(inplace=True)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        one, other = inputs.chunk(2, 1)
        return torch.cat([one, self.relu(self.conv(other))], 1)


def halves() -> OperatorList:
    return operator_list(Halves().eval(), as_inputs(torch.randn(1, 8, 6, 6)), COSTS)


def by_operator(listed: OperatorList) -> dict[str, OperatorRecipe]:
    return {each.recipe.operator: each.recipe for each in listed.operators}


def test_a_call_is_listed_with_shapes_strides_and_weights() -> None:
    listed = halves()
    recipes = by_operator(listed)
    assert set(recipes) == {"aten.chunk.default", "aten.conv2d.default", "aten.relu_.default", "aten.cat.default"}
    image, weight, bias = recipes["aten.conv2d.default"].arguments[:3]
    assert image == {"shape": [1, 4, 6, 6]}
    assert weight == {"shape": [4, 4, 3, 3], "weight": True}
    assert bias == {"shape": [4], "weight": True}
    assert (listed.calls, listed.flops, listed.weight_bytes, listed.lacking) == (4, 100, 40, ())


def test_equal_calls_are_listed_once_and_parts_add_up() -> None:
    double = halves() + halves()
    assert {each.times for each in double.operators} == {2}
    assert (double.calls, double.flops) == (8, 200)
    assert len(double.operators) == len(halves().operators)


def test_a_list_goes_through_json() -> None:
    listed = halves()
    read = structure(json.loads(listed.to_json()), OperatorList)
    assert [each.recipe.key for each in read.operators] == [each.recipe.key for each in listed.operators]


@pytest.mark.parametrize(
    ("network", "inputs"),
    [
        (Halves(), torch.randn(1, 8, 6, 6)),
        (nn.Sequential(nn.Embedding(9, 4), nn.LSTM(4, 5)), torch.ones(3, 2, dtype=torch.int64)),
        (nn.TransformerEncoderLayer(8, 2, batch_first=True), torch.randn(2, 5, 8)),
        (nn.Conv2d(4, 4, 1), torch.randn(1, 4, 5, 5).contiguous(memory_format=torch.channels_last)),
    ],
    ids=["halves", "recurrent", "attention", "channels-last"],
)
def test_every_listed_call_can_be_made_again(network: nn.Module, inputs: torch.Tensor) -> None:
    listed = operator_list(network.eval(), as_inputs(inputs), COSTS)
    assert listed.operators
    assert not listed.lacking
    read = structure(json.loads(listed.to_json()), OperatorList)
    with torch.inference_mode():
        for each in read.operators:
            prepare(each.recipe, "cpu").call()


def test_a_prepared_call_has_the_inputs_that_an_operator_before_it_writes() -> None:
    prepared = prepare(by_operator(halves())["aten.conv2d.default"], "cpu")
    assert [each.numel() for each, _ in prepared.given] == [4 * 6 * 6]
    result = prepared.call()
    assert isinstance(result, torch.Tensor)
    assert result.shape == (1, 4, 6, 6)


def test_an_expanded_input_is_written_once_for_all_its_elements() -> None:
    expanded = {"shape": [1, 4, 6, 6], "strides": [4, 1, 0, 0]}
    prepared = prepare(OperatorRecipe("aten.mul.Tensor", ({"shape": [1, 4, 6, 6]}, expanded)), "cpu")
    assert [each.numel() for each, _ in prepared.given] == [144, 4]
    result = prepared.call()
    assert isinstance(result, torch.Tensor)
    assert result.shape == (1, 4, 6, 6)


@pytest.mark.parametrize(
    "name", ["aten.moon.default", "aten.relu", "os.system.x", "aten.relu.default.x", "aten..default"]
)
def test_what_torch_does_not_have_is_no_operator(name: str) -> None:
    with pytest.raises(RecipeError, match="torch has no operator"):
        operator_named(name)


def test_what_cannot_be_called_is_said_and_the_others_are_timed() -> None:
    good = by_operator(halves())["aten.conv2d.default"]
    recipes = (
        OperatorRecipe("aten.moon.default"),
        good,
        OperatorRecipe("aten.relu.default", ({"shape": [2**20, 2**20]},)),
        OperatorRecipe("aten.relu.default", ({"name": "moon"},)),
    )
    events: list[Event] = []
    before = torch.get_num_threads()
    DEVICES["fake"].configure(1, 0)
    with torch.inference_mode():
        time_operators(Task(OPERATORS, Target(device="fake"), (), {}, recipes=recipes), events.append)
    torch.set_num_threads(before)
    first, second, third, fourth = [each for each in events if isinstance(each, OperatorTimed)]
    assert "torch has no operator aten.moon.default" in first.error
    assert second.times
    assert second.times.warm_s > 0
    assert "bytes" in third.error
    assert "is no argument" in fourth.error
