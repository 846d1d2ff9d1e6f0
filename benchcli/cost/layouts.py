"""The order in which copies lay out in memory what they read."""

import torch

COPYING = frozenset({"clone", "contiguous", "_to_copy", "_reshape_copy"})
"""Operators whose only work is a copy of their first operand."""


def reordered(name: str, read: torch.Tensor, written: torch.Tensor) -> tuple[int, ...]:
    """Return where each dimension of what a copy writes was in what it reads, both outermost in memory first.

    Dimensions of size 1 are none. It is empty if the order is kept, and of what is no copy: (1, 2, 0)
    moves the outermost dimension, such as channels, to the innermost place.
    """
    if name not in COPYING or read.shape != written.shape or not _is_plain(read) or not _is_plain(written):
        return ()
    dimensions = [each for each, size in enumerate(read.shape) if size > 1]
    before, after = (
        sorted(dimensions, key=strides.__getitem__, reverse=True) for strides in (read.stride(), written.stride())
    )
    return () if before == after else tuple(before.index(each) for each in after)


def _is_plain(tensor: torch.Tensor) -> bool:
    """Return whether each element of a tensor has a stride, and so a place of its own."""
    plain = tensor.layout is torch.strided and not tensor.is_nested
    return plain and all(stride for stride, size in zip(tensor.stride(), tensor.shape, strict=True) if size > 1)
