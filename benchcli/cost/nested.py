"""See nested tensors as the dense tensors that they are made of, which have storages, shapes and strides."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch.utils._pytree import tree_map_only

from benchcli.cost.inputs import tensors

MASKED = "_nested_tensor_from_mask"
"""The operator by which attention's fast path leaves out what a mask hides."""


class FastPathError(RuntimeError):
    """Attention's fast path leaves out what a mask hides, which counts."""


def dense(tree: object) -> list[torch.Tensor]:
    """Return the tensors of a tree, of a nested one its sequences or, of a jagged one, its values and offsets."""
    several = tensors(tree)
    if not any(each.is_nested for each in several):
        return several
    return [part for each in several for part in (_parts(each) if each.is_nested else (each,))]


def is_jagged(several: Sequence[torch.Tensor]) -> bool:
    """Return whether one of the tensors is a jagged one, whose class calls operators on dense tensors."""
    return any(each.is_nested and each.layout is torch.jagged for each in several)


def by_sequence(
    arguments: Mapping[str, Any], written: Sequence[torch.Tensor]
) -> Iterator[tuple[Mapping[str, Any], Sequence[torch.Tensor]]]:
    """Yield an operator's arguments and outputs for each sequence of its nested ones; once, if it has none."""
    nested = [each for each in tensors(arguments) if each.is_nested]
    if not nested:
        yield arguments, written
        return
    parts = {id(each): each.unbind() for each in nested}
    for number, output in enumerate(written[: nested[0].size(0)]):
        sequences = {key: several[number] for key, several in parts.items()}
        yield tree_map_only(torch.Tensor, partial(_replaced, sequences), dict(arguments)), [output]


def _replaced(sequences: Mapping[int, torch.Tensor], tensor: torch.Tensor) -> torch.Tensor:
    return sequences.get(id(tensor), tensor)


def _parts(tensor: torch.Tensor) -> tuple[torch.Tensor, ...]:
    if tensor.layout is not torch.jagged:
        return tensor.unbind()
    jagged: Any = tensor  # of a class that torch does not name in public
    lengths = jagged.lengths()
    return (jagged.values(), jagged.offsets(), *(() if lengths is None else (lengths,)))
