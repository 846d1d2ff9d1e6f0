"""Nodes of ONNX graphs as recipes of torch's operators, which can be called and give the outputs' shapes."""

from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchcli.cost.onnx_recipes import recipes_of
from benchcli.sampling.operator_times import prepare
from benchcli.schema.recipes import OperatorRecipe

SHAPES: dict[str, tuple[int, ...]] = {
    "x": (1, 8, 6, 6),
    "w": (4, 4, 3, 3),
    "b": (4,),
    "c": (8,),
    "flat": (2, 8),
    "m": (8, 5),
    "t": (5, 8),
    "five": (5,),
    "tokens": (1, 3, 8),
}
WEIGHTS = frozenset({"w", "b", "c", "m", "t", "five"})


def node(kind: str, *inputs: str, domain: str = "", **attributes: Any) -> Any:
    of = [
        SimpleNamespace(name=name, i=value, ints=() if isinstance(value, int) else value)
        for name, value in attributes.items()
    ]
    return SimpleNamespace(op_type=kind, domain=domain, input=list(inputs), attribute=of)


CASES = [
    (node("Conv", "x", "w", "b", strides=[2, 2], pads=[1, 1, 1, 1], group=2), (1, 4, 3, 3)),
    (node("Gemm", "flat", "m", "five"), (2, 5)),
    (node("Gemm", "flat", "t", "five", transB=1), (2, 5)),
    (node("MatMul", "flat", "m"), (2, 5)),
    (node("Relu", "x"), (1, 8, 6, 6)),
    (node("Clip", "x"), (1, 8, 6, 6)),
    (node("HardSwish", "x"), (1, 8, 6, 6)),
    (node("Add", "x", "x"), (1, 8, 6, 6)),
    (node("Concat", "x", "x", axis=1), (1, 16, 6, 6)),
    (node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], pads=[1, 1, 1, 1]), (1, 8, 3, 3)),
    (node("AveragePool", "x", kernel_shape=[2, 2], strides=[2, 2]), (1, 8, 3, 3)),
    (node("GlobalAveragePool", "x"), (1, 8, 1, 1)),
    (node("ReduceMean", "x", keepdims=0), (1, 8)),
    (node("BatchNormalization", "x", "c", "c", "c", "c"), (1, 8, 6, 6)),
    (node("LayerNormalization", "tokens", "c", "c"), (1, 3, 8)),
    (node("Softmax", "flat"), (2, 8)),
    (node("Transpose", "tokens", perm=[0, 2, 1]), (1, 8, 3)),
]


@pytest.mark.parametrize(("of", "shape"), CASES, ids=[f"{of.op_type}-{place}" for place, (of, _) in enumerate(CASES)])
def test_a_node_is_an_operator_of_torch(of: Any, shape: tuple[int, ...]) -> None:
    (recipe,) = recipes_of([of], SHAPES, WEIGHTS)
    assert isinstance(recipe, OperatorRecipe)
    with torch.inference_mode():
        result = prepare(recipe, "cpu").call()
    assert isinstance(result, torch.Tensor)
    assert tuple(result.shape) == shape


def test_weights_are_marked_and_views_are_left_out() -> None:
    nodes = [node("Reshape", "x"), node("Conv", "x", "w", "b", group=2), node("Flatten", "x"), node("Split", "x")]
    (recipe,) = recipes_of(nodes, SHAPES, WEIGHTS)
    assert isinstance(recipe, OperatorRecipe)
    assert [each.get("weight", False) for each in recipe.tensors] == [False, True, True]


@pytest.mark.parametrize(
    ("of", "says"),
    [
        (node("Einsum", "x"), "onnx.Einsum"),
        (node("Relu", "unknown"), "onnx.Relu"),
        (node("Reshape", "x", domain="own"), "onnx.Reshape"),
    ],
)
def test_what_has_no_operator_is_named(of: Any, says: str) -> None:
    assert list(recipes_of([of], SHAPES, WEIGHTS)) == [says]
