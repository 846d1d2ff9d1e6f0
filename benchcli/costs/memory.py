"""Count memory access cost and element-wise work in one pass over a network's dispatched operators.

The rules are in `docs/methodology.md`. Sizes come from shapes, strides and element sizes; the count
reads no element.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves

from benchcli.costs.operators import (
    CONVOLUTIONS,
    MOVEMENTS,
    NORMALISATIONS,
    NOTHING,
    POINTWISE,
    PRODUCTS,
    convolution_bias,
    twin,
)


@dataclass(frozen=True)
class MemoryCosts:
    """The counted costs; the fields are those of `benchcli.schema.Costs`."""

    elementwise: int
    mac_elements: int
    mac_bytes: int
    mac_fused_bytes: int
    mac_compulsory_bytes: int
    unknown: tuple[str, ...]


def memory_costs(network: torch.nn.Module, inputs: torch.Tensor) -> MemoryCosts:
    """Run the network once and count the bytes that each dispatched operator reads and writes."""
    walk = _Walk()
    # no_grad, not inference_mode: inference mode dispatches conv2d undecomposed, to other rules.
    with torch.no_grad(), walk:
        output = network(inputs)
    compulsory = [inputs, *network.parameters(), *_tensors(output)]
    return MemoryCosts(
        elementwise=walk.elementwise,
        mac_elements=walk.mac_elements,
        mac_bytes=walk.mac_bytes,
        mac_fused_bytes=walk.mac_fused_bytes,
        mac_compulsory_bytes=_bytes(_distinct(compulsory)),
        unknown=tuple(sorted(walk.unknown)),
    )


class _Walk(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts costs as operators are dispatched. It holds no tensors, only numbers of storages."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.elementwise = self.mac_elements = self.mac_bytes = self.mac_fused_bytes = 0
        self.unknown: set[str] = set()
        self._produced: dict[int, int] = {}
        """Storage to the number of its last writing operator; the allocator reuses storages."""
        self._operators = 0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        read = _distinct(_tensors((args, kwargs)))
        written = _distinct(_tensors(result))
        if not _moves_no_data(func, read, written):
            self._count(func, args, read, written)
        self._operators += 1
        for tensor in written:
            self._produced[_storage(tensor)] = self._operators
        return result

    def _count(self, func: Any, args: tuple[Any, ...], read: list[torch.Tensor], written: list[torch.Tensor]) -> None:
        name = _name(func)
        unfused = _bytes(read) + _bytes(written)
        pointwise = torch.Tag.pointwise in func.tags or name in NORMALISATIONS | POINTWISE
        self.mac_bytes += unfused
        self.mac_fused_bytes += self._epilogue(read, written[:1]) if pointwise else unfused
        if pointwise or convolution_bias(name, args):
            self.elementwise += written[0].numel()
        if name in CONVOLUTIONS:
            self.mac_elements += args[0].numel() + args[1].numel() + written[0].numel()
        if not pointwise and name not in CONVOLUTIONS | PRODUCTS | MOVEMENTS:
            self.unknown.add(str(func))

    def _epilogue(self, read: list[torch.Tensor], written: list[torch.Tensor]) -> int:
        """Return the bytes of a point-wise operator that is fused into the producer of an operand.

        The fused operand is the most recent one of the output's size. Only the bytes of the other
        operands count. If this walk produced no such operand, the operator is not fused, and all
        its reads and writes count.
        """
        size = sum(tensor.numel() for tensor in written)
        candidates = [t for t in read if t.numel() == size and _storage(t) in self._produced]
        if not candidates:
            return _bytes(read) + _bytes(written)
        fused = max(candidates, key=lambda tensor: self._produced[_storage(tensor)])
        return _bytes(read) - _bytes([fused])


def _moves_no_data(func: Any, read: list[torch.Tensor], written: list[torch.Tensor]) -> bool:
    """Return whether an operator moves no data. A view's output shares its input's storage."""
    if _name(func) in NOTHING or not written:
        return True
    storages = {_storage(tensor) for tensor in read}
    return not func._schema.is_mutable and all(_storage(tensor) in storages for tensor in written)


def _name(func: Any) -> str:
    return twin(str(func.overloadpacket.__name__))


def _tensors(tree: object) -> list[torch.Tensor]:
    return [leaf for leaf in tree_leaves(tree) if isinstance(leaf, torch.Tensor)]


def _distinct(tensors: Iterable[torch.Tensor]) -> list[torch.Tensor]:
    """Return one tensor per storage, offset, shape and stride: a repeated tensor is read once."""
    keyed = {(_storage(t), t.storage_offset(), t.shape, t.stride()): t for t in tensors}
    return list(keyed.values())


def _storage(tensor: torch.Tensor) -> int:
    return int(tensor.untyped_storage()._cdata)


def _bytes(tensors: Iterable[torch.Tensor]) -> int:
    """Return the total bytes. A dimension of stride 0 repeats one element and counts once."""
    return sum(
        tensor.element_size() * math.prod(n for n, step in zip(tensor.shape, tensor.stride(), strict=True) if step)
        for tensor in tensors
        if tensor.numel()
    )
