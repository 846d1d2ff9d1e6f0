"""A network that is an ONNX file, as a module: called in eager mode, a plain session runs its graph."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch

from benchcli.cost.inputs import Inputs
from benchcli.cost.onnx_graph import inferred_graph, walk_of
from benchcli.cost.onnx_recipes import recipes_of
from benchcli.cost.walk import Walk
from benchcli.errors import UserError
from benchcli.schema import Costs
from benchcli.schema.recipes import OperatorList, RepeatedOperator, merged
from benchcli.spelling import given
from benchcli.workloads.networks.onnx_files import hash_of

TYPES = {
    "tensor(float)": torch.float32,
    "tensor(double)": torch.float64,
    "tensor(int64)": torch.int64,
    "tensor(int32)": torch.int32,
    "tensor(bool)": torch.bool,
}
"""The types of inputs that can be drawn, by ONNX Runtime's names."""


class OnnxNetwork(torch.nn.Module):
    """The graph of a file. What it computes is what ONNX Runtime does without any optimisation."""

    example_inputs: Any
    """Inputs of the shapes that the graph says; a function of the batch where that is free."""

    def __init__(self, path: Path) -> None:
        super().__init__()
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        options.log_severity_level = 4
        self.path = path
        self._session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
        self._inputs = self._session.get_inputs()
        _refuse_types(self._inputs)
        free = [each.name for each in self._inputs if any(not isinstance(size, int) for size in each.shape)]
        self.example_inputs = self._drawn if free else tuple(self._drawn(1))

    def forward(self, *args: torch.Tensor, **kwargs: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Return the outputs, in the graph's order."""
        tensors = self.in_order(Inputs(args, kwargs))
        feed = {each.name: tensor.detach().cpu().numpy() for each, tensor in zip(self._inputs, tensors, strict=True)}
        return tuple(torch.from_numpy(each) for each in self._session.run(None, feed))

    def in_order(self, inputs: Inputs) -> list[torch.Tensor]:
        """Return the tensors of a call in the order of the graph's inputs. Raises UserError if one is missing."""
        names = [each.name for each in self._inputs]
        given = {**dict(zip(names, inputs.args, strict=False)), **inputs.kwargs}
        if len(inputs.args) > len(names) or set(given) != set(names):
            shown = ", ".join(f"{each.name} ({'x'.join(map(str, each.shape))})" for each in self._inputs)
            raise UserError(f"its graph takes {shown}, and it was given {inputs.described()}")
        return [given[name] for name in names]

    def walk(self, inputs: Inputs) -> Walk:
        """Return what a call does, node by node."""
        import onnx

        shapes = {each.name: tuple(tensor.shape) for each, tensor in self._shaped(inputs)}
        return walk_of(onnx.load(self.path, load_external_data=False), shapes)

    def operator_list(self, inputs: Inputs, costs: Costs) -> OperatorList:
        """Return the operators of torch that do what a call of these costs does."""
        import onnx

        shapes = {each.name: tuple(tensor.shape) for each, tensor in self._shaped(inputs)}
        found = inferred_graph(onnx.load(self.path, load_external_data=False), shapes)
        known = {name: tensor.shape for name, tensor in found.known.items()}
        made = list(recipes_of(found.graph.node, known, frozenset(found.weights)))
        return OperatorList(
            operators=merged(RepeatedOperator(each) for each in made if not isinstance(each, str)),
            flops=costs.flops,
            mac_bytes=costs.mac_bytes,
            weight_bytes=costs.weight_bytes or 0,
            lacking=tuple(dict.fromkeys(each for each in made if isinstance(each, str))),
        )

    def write_onnx(self, to: Path, inputs: Inputs) -> None:
        """Write a copy of the file with its weights, and with the inputs' shapes in place of free sizes."""
        import onnx

        model = onnx.load(self.path)
        shapes = {each.name: tensor.shape for each, tensor in self._shaped(inputs)}
        for value in model.graph.input:
            for size, known in zip(value.type.tensor_type.shape.dim, shapes.get(value.name, ()), strict=False):
                size.dim_value = known
        large = model.ByteSize() > LARGEST
        onnx.save(model, to, save_as_external_data=large, location="weights" if large else None)

    def extra_repr(self) -> str:
        """Return the file's name."""
        return self.path.name

    def _shaped(self, inputs: Inputs) -> Iterator[tuple[Any, torch.Tensor]]:
        return zip(self._inputs, self.in_order(inputs), strict=True)

    def _drawn(self, batch: int) -> list[torch.Tensor]:
        """Return random inputs. Raises UserError if a size besides the batch is free."""
        return [_drawn(each, batch) for each in self._inputs]


LARGEST = 2**31 - 2**20
"""Bytes of a file above which its weights need one of their own."""


def build(path: str, sha256: str) -> OnnxNetwork:
    """Return the network in a file. Raises UserError if the file is not what it was, or cannot be loaded."""
    if hash_of(Path(path)) != sha256:
        raise UserError(f"{path} is not what it was when this run began: start a new one")
    try:
        return OnnxNetwork(Path(path))
    except UserError:
        raise
    except Exception as error:  # ONNX Runtime's errors have no class of their own
        lines = str(error).splitlines() or [type(error).__name__]
        raise UserError(f"{path} cannot be loaded as ONNX: {lines[0]}") from None


def _refuse_types(inputs: Any) -> None:
    for each in inputs:
        if each.type not in TYPES:
            raise UserError(f"its input {each.name} is a {each.type}: only {', '.join(TYPES)} can be drawn")


def _drawn(of: Any, batch: int) -> torch.Tensor:
    """Return a random input: a free first size is the batch."""
    shape = [batch if place == 0 and not isinstance(size, int) else size for place, size in enumerate(of.shape)]
    if not all(isinstance(size, int) for size in shape):
        shown = "x".join(map(str, of.shape))
        raise UserError(f"its input {of.name} ({shown}) has free sizes: give {given('inputs', f'{of.name}=SIZES')}")
    dtype = TYPES[of.type]
    if dtype.is_floating_point:
        return torch.randn(shape, dtype=dtype)
    return torch.randint(0, 2, shape).to(dtype)  # an index that every table has
