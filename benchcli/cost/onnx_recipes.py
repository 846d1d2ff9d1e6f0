"""Say which operators of torch do what the nodes of an ONNX graph do, as recipes.

So the time of the graph can be predicted in eager mode, as if each node were a module.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from benchcli.cost.onnx_graph import Shape
from benchcli.cost.onnx_operators import VIEWS
from benchcli.schema.recipes import OperatorRecipe

SAME = {
    **{name: f"aten.{name.lower()}.default" for name in ("Abs", "Erf", "Exp", "Log", "Neg", "Relu", "Sigmoid", "Sqrt")},
    "Tanh": "aten.tanh.default",
    "HardSigmoid": "aten.hardsigmoid.default",
    "HardSwish": "aten.hardswish.default",
    "Softplus": "aten.softplus.default",
    "Gelu": "aten.gelu.default",
    "LeakyRelu": "aten.leaky_relu.default",
    "Reciprocal": "aten.reciprocal.default",
    "Elu": "aten.elu.default",
    "MatMul": "aten.matmul.default",
    **{name: f"aten.{name.lower()}.Tensor" for name in ("Add", "Sub", "Mul", "Div")},
}
"""Nodes whose inputs are all that torch's operator takes; their attributes change no time."""
FREE = VIEWS | {"Slice", "Split", "Constant"}
"""What eager mode does by looking at memory in another way."""


class OnnxNode:
    """A node, with the shapes of what it reads."""

    def __init__(self, node: Any, shapes: Mapping[str, Shape], weights: frozenset[str]) -> None:
        self.kind: str = node.op_type
        self._node, self._shapes, self._weights = node, shapes, weights
        self._attributes = {each.name: each for each in node.attribute}

    def input(self, place: int) -> dict[str, Any] | None:
        """Return an input as a recipe has it; None if there is none. Raises KeyError if its shape is not known."""
        name = self._node.input[place] if place < len(self._node.input) else ""
        if not name:
            return None
        found: dict[str, Any] = {"shape": list(self._shapes[name])}
        return {**found, "weight": True} if name in self._weights else found

    def inputs(self) -> list[dict[str, Any] | None]:
        """Return all inputs."""
        return [self.input(place) for place in range(len(self._node.input))]

    def rank(self) -> int:
        """Return the dimensions of the image that it reads."""
        return len(self._shapes[self._node.input[0]]) - 2

    def ints(self, name: str, default: Sequence[int]) -> list[int]:
        """Return an attribute of several numbers."""
        return list(self._attributes[name].ints) if name in self._attributes else list(default)

    def int(self, name: str, default: int) -> int:
        """Return an attribute of one number."""
        return int(self._attributes[name].i) if name in self._attributes else default


def recipes_of(
    nodes: Sequence[Any], shapes: Mapping[str, Shape], weights: frozenset[str]
) -> Iterator[OperatorRecipe | str]:
    """Yield the recipe of each node that does something, or the name of its operator where there is none."""
    for node in nodes:
        if node.op_type in FREE and not node.domain:
            continue
        try:
            operator, arguments = _followed(OnnxNode(node, shapes, weights))
        except (KeyError, IndexError):
            yield f"onnx.{node.op_type}"
        else:
            yield OperatorRecipe(operator, tuple(arguments))


def _followed(node: OnnxNode) -> tuple[str, Sequence[Any]]:
    """Return torch's operator and its arguments. Raises KeyError if there is none, or a shape is not known."""
    if node.kind in SAME:
        return SAME[node.kind], node.inputs()
    return _OTHERS[node.kind](node)


def _convolution(node: OnnxNode) -> tuple[str, Sequence[Any]]:
    ones = [1] * node.rank()
    return f"aten.conv{node.rank()}d.default", [
        *(node.input(0), node.input(1), node.input(2)),
        *(node.ints("strides", ones), _padding(node), node.ints("dilations", ones), node.int("group", 1)),
    ]


def _padding(node: OnnxNode) -> list[int]:
    """Return the padding of each dimension: the larger of both sides, which torch's operators take alike."""
    pads = node.ints("pads", [0] * 2 * node.rank())
    return [max(pair) for pair in zip(pads[: node.rank()], pads[node.rank() :], strict=True)]


def _gemm(node: OnnxNode) -> tuple[str, Sequence[Any]]:
    weight = node.input(1)
    if weight and not node.int("transB", 0):
        weight = {**weight, "shape": weight["shape"][::-1]}
    return "aten.linear.default", [node.input(0), weight, node.input(2)]


def _pool(kind: str) -> Callable[[OnnxNode], tuple[str, Sequence[Any]]]:
    def pool(node: OnnxNode) -> tuple[str, Sequence[Any]]:
        window = node.ints("kernel_shape", ())
        strides = node.ints("strides", [1] * node.rank())
        return f"aten.{kind}_pool{node.rank()}d.default", [node.input(0), window, strides, _padding(node)]

    return pool


def _concatenation(node: OnnxNode) -> tuple[str, Sequence[Any]]:
    return "aten.cat.default", [node.inputs(), node.int("axis", 0)]


def _softmax(node: OnnxNode) -> tuple[str, Sequence[Any]]:
    return "aten.softmax.int", [node.input(0), node.int("axis", -1)]


def _mean(node: OnnxNode) -> tuple[str, Sequence[Any]]:
    """Return a mean over the image, which is what networks take it of, unless the axes are an attribute."""
    axes = node.ints("axes", range(2, 2 + node.rank()))
    return "aten.mean.dim", [node.input(0), axes, bool(node.int("keepdims", 1))]


_OTHERS: Mapping[str, Callable[[OnnxNode], tuple[str, Sequence[Any]]]] = {
    "Conv": _convolution,
    "Gemm": _gemm,
    "MaxPool": _pool("max"),
    "AveragePool": _pool("avg"),
    "Concat": _concatenation,
    "Softmax": _softmax,
    "ReduceMean": _mean,
    "GlobalAveragePool": lambda node: ("aten.mean.dim", [node.input(0), list(range(2, 2 + node.rank())), True]),
    "Clip": lambda node: ("aten.clamp.default", [node.input(0), 0.0, 6.0]),
    "Transpose": lambda node: ("aten.permute_copy.default", [node.input(0), node.ints("perm", ())]),
    "BatchNormalization": lambda node: (
        "aten.batch_norm.default",
        [*node.inputs()[:5], False, 0.1, 1e-5, True],
    ),
    "LayerNormalization": lambda node: (
        "aten.layer_norm.default",
        [node.input(0), (node.input(1) or {"shape": []})["shape"], node.input(1), node.input(2)],
    ),
}
