"""Sum what a call reads of each weight, every part of it once."""

from collections.abc import Iterable

import torch

from benchcli.cost.storages import storage_of

Range = tuple[int, int]
"""The bytes of a storage from the first, up to the second."""


class WeightReads:
    """The parts of the weights that the operators of a call read, by storage."""

    def __init__(self) -> None:
        self._read: dict[int, dict[Range, int]] = {}

    def note(self, tensor: torch.Tensor, size: int) -> None:
        """Note that an operator reads `size` bytes of this part of a weight, in any order."""
        if not tensor.numel():
            return
        start = int(tensor.storage_offset()) * tensor.element_size()
        steps = int(sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True)))
        parts = self._read.setdefault(storage_of(tensor), {})
        place = (start, start + (steps + 1) * tensor.element_size())
        parts[place] = max(size, parts.get(place, 0))

    def bytes_of(self, storages: Iterable[int]) -> int:
        """Return the bytes read of these storages, no more than their parts have together."""
        parts = [self._read[each] for each in storages if each in self._read]
        return sum(min(sum(each.values()), _union(each)) for each in parts)


def _union(ranges: Iterable[Range]) -> int:
    covered = end = 0
    for start, stop in sorted(ranges):
        covered += max(0, stop - max(start, end))
        end = max(end, stop)
    return covered
