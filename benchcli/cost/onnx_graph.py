"""Count the costs of an ONNX graph, node by node, from the shapes that its inputs have.

The conventions are those of torch's operators: a view is free, a bias is element-wise work, and an
operator without a rule is named, and never counts as zero.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from benchcli.cost.onnx_operators import FREE, POINTWISE, ROW_WISE, VIEWS
from benchcli.cost.walk import Walk
from benchcli.schema import OperatorCall

Shape = tuple[int, ...]
CONVOLUTIONS = {"Conv": (0, 1, 2), "ConvInteger": (0, 1, None), "QLinearConv": (0, 3, 8)}
"""The places of the image, the weight and the bias among the inputs."""
PRODUCTS = {"MatMul": 0, "MatMulInteger": 0, "QLinearMatMul": 0}


@dataclass(frozen=True)
class Tensor:
    """A value of the graph."""

    shape: Shape
    bytes_each: int
    """Bytes of an element."""

    @property
    def elements(self) -> int:
        """The number of elements."""
        return math.prod(self.shape)

    @property
    def size(self) -> int:
        """Bytes."""
        return self.elements * self.bytes_each


@dataclass
class _Graph:
    """A graph whose values have known shapes, and what its nodes have written so far."""

    known: Mapping[str, Tensor]
    weights: frozenset[str]
    roots: dict[str, str] = field(default_factory=dict)
    """The value whose memory a view shares."""
    writers: dict[str, int] = field(default_factory=dict)
    """The place of the call that wrote a value's memory."""

    def root(self, name: str) -> str:
        """Return the value that owns the memory of one."""
        return self.roots.get(name, name)


@dataclass(frozen=True)
class InferredGraph:
    """A model's graph, and what is known of its values."""

    graph: Any
    weights: Mapping[str, Tensor]
    constants: frozenset[str]
    known: Mapping[str, Tensor]
    """The values whose shapes are known, the weights among them."""


def inferred_graph(model: Any, shapes: Mapping[str, Shape]) -> InferredGraph:
    """Return the graph of an ONNX model with inputs of these shapes, by name."""
    inferred = _inferred(model, shapes).graph
    weights = {each.name: _of_tensor(each) for each in inferred.initializer}
    constants = frozenset(node.output[0] for node in inferred.node if node.op_type == "Constant")
    values = [*inferred.input, *inferred.value_info, *inferred.output]
    known = {**{each.name: tensor for each in values if (tensor := _of_value(each))}, **weights}
    return InferredGraph(inferred, weights, constants, known)


def walk_of(model: Any, shapes: Mapping[str, Shape]) -> Walk:
    """Return what a call of an ONNX model does with inputs of these shapes, by name."""
    found = inferred_graph(model, shapes)
    inferred, weights, known = found.graph, found.weights, found.known
    graph = _Graph(known, frozenset({*weights, *found.constants}))
    walked = Walk()
    nodes = [node for node in inferred.node if node.op_type != "Constant"]
    for node in nodes:
        if _is_view(node):
            graph.roots[node.output[0]] = graph.root(node.input[0])
        else:
            walked.calls.append(_call(node, graph))
            graph.writers |= dict.fromkeys(node.output, len(walked.calls) - 1)
    floating = [each for each in inferred.initializer if each.data_type in FLOATING]
    walked.params = sum(math.prod(each.dims) for each in floating)
    walked.weight_bytes = sum(each.size for each in weights.values())
    read = {name for node in nodes for name in node.input if name in weights}
    walked.read_bytes = sum(weights[name].size for name in read)
    ends = [each.name for each in (*inferred.input, *inferred.output) if each.name not in weights]
    walked.end_bytes = sum(known[name].size for name in dict.fromkeys(ends) if name in known)
    walked.peak_bytes = _peak_bytes(nodes, graph, ends)
    return walked


FLOATING = frozenset({1, 10, 11, 16})
"""onnx.TensorProto.FLOAT, FLOAT16, DOUBLE and BFLOAT16."""
BYTES = {1: 4, 2: 1, 3: 1, 4: 2, 5: 2, 6: 4, 7: 8, 9: 1, 10: 2, 11: 8, 12: 4, 13: 8, 16: 2}
"""Bytes of an element by onnx.TensorProto's numbers of types."""


def _inferred(model: Any, shapes: Mapping[str, Shape]) -> Any:
    """Return a copy of the model in which the shapes of all values are known, as far as they can be inferred."""
    import onnx

    bare = onnx.ModelProto()
    bare.CopyFrom(model)
    for value in bare.graph.input:
        for size, given in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
            size.dim_value = given
    bare.graph.ClearField("value_info")  # shapes of another batch would contradict
    for value in bare.graph.output:
        value.type.tensor_type.ClearField("shape")
    return onnx.shape_inference.infer_shapes(bare, data_prop=True)


def _of_tensor(tensor: Any) -> Tensor:
    return Tensor(tuple(tensor.dims), BYTES.get(tensor.data_type, 4))


def _of_value(value: Any) -> Tensor | None:
    """Return a value's shape; None if a size is not known."""
    kind = value.type.tensor_type
    if not kind.HasField("shape") or not all(size.HasField("dim_value") for size in kind.shape.dim):
        return None
    return Tensor(tuple(size.dim_value for size in kind.shape.dim), BYTES.get(kind.elem_type, 4))


def _is_view(node: Any) -> bool:
    return node.op_type in VIEWS and not node.domain


def _call(node: Any, graph: _Graph) -> OperatorCall:
    """Return the costs of a node."""
    names = list(dict.fromkeys(name for name in node.input if name))
    read = [graph.known[name] for name in names if name in graph.known]
    written = [graph.known[name] for name in node.output if name in graph.known]
    is_complete = len(read) == len(names) and len(written) == len([name for name in node.output if name])
    flops = _multiply_adds(node, graph) if is_complete else None
    unfused = sum(each.size for each in (*read, *written))
    fuses = node.op_type in POINTWISE | {"BatchNormalization"}
    return OperatorCall(
        operator=f"{node.domain or 'onnx'}.{node.op_type}.default",
        module=node.name,
        dtype="",
        inputs=tuple(each.shape for each in read),
        outputs=tuple(each.shape for each in written),
        flops=flops,
        elementwise=_elementwise(node, written),
        mac_elements=sum(each.elements for each in _image_weight_output(node, graph)),
        mac_bytes=unfused,
        mac_fused_bytes=_fused_bytes(names, written, graph, unfused) if fuses else unfused,
        producers=tuple(graph.writers.get(graph.root(name)) for name in names),
        window=math.prod(_image_weight_output(node, graph)[1].shape[2:]) if node.op_type in CONVOLUTIONS else 1,
    )


def _multiply_adds(node: Any, graph: _Graph) -> int | None:
    """Return a node's multiply-adds; None if there is no rule for it."""
    if node.domain not in ("", "ai.onnx", "ai.onnx.ml"):
        return None
    rule = _RULES.get(node.op_type)
    if rule:
        return rule(node, graph)
    return 0 if node.op_type in FREE else None


def _image_weight_output(node: Any, graph: _Graph) -> list[Tensor]:
    """Return what the paper's formula counts of a convolution, as far as it is known; nothing of other nodes."""
    if node.op_type not in CONVOLUTIONS:
        return []
    image, weight, _ = CONVOLUTIONS[node.op_type]
    names = (node.input[image], node.input[weight], node.output[0])
    nothing = Tensor((0,), 0)
    return [graph.known.get(name, nothing) for name in names]


def _convolution(node: Any, graph: _Graph) -> int:
    _, weight, output = _image_weight_output(node, graph)
    return output.elements * math.prod(weight.shape[1:])


def _transposed(node: Any, graph: _Graph) -> int:
    image, weight = (graph.known[name] for name in node.input[:2])
    return image.elements * math.prod(weight.shape[1:])


def _matrix_product(node: Any, graph: _Graph) -> int:
    one = graph.known[node.input[PRODUCTS[node.op_type]]]
    return graph.known[node.output[0]].elements * (one.shape[-1] if one.shape else 1)


def _gemm(node: Any, graph: _Graph) -> int:
    one = graph.known[node.input[0]]
    is_transposed = any(each.name == "transA" and each.i for each in node.attribute)
    return graph.known[node.output[0]].elements * one.shape[0 if is_transposed else 1]


_RULES: Mapping[str, Callable[[Any, _Graph], int]] = {
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    **dict.fromkeys(PRODUCTS, _matrix_product),
    "ConvTranspose": _transposed,
    "Gemm": _gemm,
}


def _elementwise(node: Any, written: Sequence[Tensor]) -> int:
    """Return the elements that a node writes by element-wise work, a product's bias included."""
    if node.op_type in POINTWISE:
        return sum(each.elements for each in written)
    places = CONVOLUTIONS.get(node.op_type, (0, 1, 2 if node.op_type in {"Gemm", "ConvTranspose"} else None))
    bias = places[2]
    has_bias = bias is not None and len(node.input) > bias and bool(node.input[bias])
    return written[0].elements if written and (has_bias or node.op_type in ROW_WISE) else 0


def _fused_bytes(names: Sequence[str], written: Sequence[Tensor], graph: _Graph, unfused: int) -> int:
    """Return the bytes of a point-wise node that is fused into the producer of an operand of the output's size."""
    size = sum(each.elements for each in written)
    of_calls = {name: place for name in names if (place := graph.writers.get(graph.root(name))) is not None}
    fitting = [name for name in of_calls if name in graph.known and graph.known[name].elements == size]
    if not fitting:
        return unfused
    last = max(fitting, key=lambda name: of_calls[name])
    return sum(graph.known[name].size for name in names if name != last and name in graph.known)


def _peak_bytes(nodes: Sequence[Any], graph: _Graph, ends: Sequence[str]) -> int:
    """Return the largest sum of bytes of values that are alive at once, weights apart."""
    last: dict[str, int] = {graph.root(name): len(nodes) for name in ends}
    for place, node in enumerate(nodes):
        for name in node.input:
            last[graph.root(name)] = max(place, last.get(graph.root(name), 0))
    alive = {name for name in ends if not any(name in node.output for node in nodes)}
    most = now = sum(_size(name, graph) for name in alive)
    for place, node in enumerate(nodes):
        for name in () if _is_view(node) else node.output:
            now += _size(name, graph)
            alive.add(name)
        most = max(most, now)
        for name in list(_ended(alive, last, place)):
            alive.remove(name)
            now -= _size(name, graph)
    return most


def _ended(alive: set[str], last: Mapping[str, int], place: int) -> Iterator[str]:
    return (name for name in alive if last.get(name, -1) <= place)


def _size(name: str, graph: _Graph) -> int:
    known = graph.known.get(name)
    return 0 if known is None or name in graph.weights else known.size
