"""Count the bytes that one call of an operator reads and writes.

The rules are in `docs/methodology.md`. Sizes come from shapes, strides and element sizes; the count
reads no element.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch._ops import OpOverload

from benchcli.cost.arguments import Arguments, read_arguments, written_arguments
from benchcli.cost.gradients import products_of
from benchcli.cost.inputs import tensors
from benchcli.cost.layer_arithmetic import image
from benchcli.cost.nested import dense
from benchcli.cost.operators import CONVOLUTIONS, GATHERS, NORMALISATIONS, NOTHING, OUTPUTS, OVERWRITES
from benchcli.cost.storages import Storages, storage_of
from benchcli.cost.training_operators import CONVOLUTION_GRADIENTS


@dataclass(frozen=True)
class Traffic:
    """The tensors that a call of an operator reads, each with the bytes that it reads, and those it writes."""

    read: Sequence[tuple[torch.Tensor, int]]
    written: Sequence[torch.Tensor]

    @property
    def unfused_bytes(self) -> int:
        """Bytes if every read and every write is one of memory."""
        return sum(size for _, size in self.read) + sum(map(bytes_of, self.written))

    def fused_bytes(self, storages: Storages) -> int:
        """Bytes if this point-wise operator is fused into the producer of an operand.

        The fused operand is the one of the output's size that was written last. Only the bytes of the
        other operands count. If this call produced no such operand, the operator is not fused, and all
        its reads and writes count.
        """
        size = sum(tensor.numel() for tensor in self.written)
        candidates = [(storages.written(each), bytes_) for each, bytes_ in self.read if _elements(each) == size]
        last, bytes_ = max(candidates, default=(0, 0))
        return sum(size for _, size in self.read) - bytes_ if last else self.unfused_bytes


def traffic(name: str, func: OpOverload, arguments: Mapping[str, Any], result: object) -> Traffic | None:
    """Return what an operator reads and writes; None if it moves no data, as a view does.

    A view's output shares its input's storage.
    """
    outputs = dense(_outputs(name, arguments, result)) or dense(written_arguments(func, arguments))
    operands = distinct(dense(read_arguments(func, arguments)))
    storages = {storage_of(tensor) for tensor in operands}
    shares = not func._schema.is_mutable and all(storage_of(each) in storages for each in outputs)
    is_view = shares or torch.Tag.inplace_view in func.tags
    if not outputs and operands and func.namespace != "aten":  # it may do anything, such as return a number
        return Traffic([(each, bytes_of(each)) for each in operands], [])
    if name in NOTHING or not any(each.numel() for each in outputs) or is_view:
        return None
    if func._schema.is_mutable and name in OVERWRITES:
        overwritten = {id(each) for each in tensors(arguments.get("self"))}
        operands = [each for each in operands if id(each) not in overwritten]
    source = arguments.get(GATHERS[name]) if name in GATHERS else None
    read = {id(source): _gathered_bytes(arguments, source, outputs[0])} if source is not None else {}
    return Traffic([(each, read.get(id(each), bytes_of(each))) for each in operands], distinct(outputs))


def _outputs(name: str, arguments: Arguments, result: object) -> list[torch.Tensor]:
    """Return what an operator writes for its caller; for one that computes gradients, what these need as well."""
    if not torch.is_grad_enabled():
        return tensors(result)[: OUTPUTS.get(name)]
    statistics = ("running_mean", "running_var") if name in NORMALISATIONS and arguments.get("training") else ()
    return [*tensors(result), *tensors([arguments[each] for each in statistics])]


def formula_elements(name: str, arguments: Arguments, output: torch.Tensor) -> int:
    """Return the elements of a convolution's image, weight and output: the paper's memory access cost.

    The gradients of the image and of the weight are convolutions that move as many, each.
    """
    if name in CONVOLUTION_GRADIENTS:
        return formula_elements("convolution", arguments, arguments["grad_output"]) * products_of(arguments)
    if name not in CONVOLUTIONS:
        return 0
    return int(image(arguments).numel() + arguments["weight"].numel() + output.numel())


def _gathered_bytes(arguments: Mapping[str, Any], source: torch.Tensor, output: torch.Tensor) -> int:
    """Return the bytes that are gathered: the output's, or those that a bag or a loss sums; at most all."""
    taken = output.numel()
    if "offsets" in arguments:
        taken = arguments["indices"].numel() * source.shape[-1]
    elif "target" in arguments:
        taken = arguments["target"].numel()
    return min(bytes_of(source), int(taken) * source.element_size())


def distinct(several: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return one tensor per storage, offset, shape and stride: a repeated tensor is read once."""
    keyed = {(storage_of(t), t.storage_offset(), t.shape, t.stride()): t for t in several}
    return list(keyed.values())


def bytes_of(tensor: torch.Tensor) -> int:
    """Return a tensor's bytes. A dimension of stride 0 repeats one element and counts once."""
    return tensor.element_size() * _elements(tensor)


def _elements(tensor: torch.Tensor) -> int:
    if not tensor.numel():
        return 0
    return math.prod(n for n, step in zip(tensor.shape, tensor.stride(), strict=True) if step)
