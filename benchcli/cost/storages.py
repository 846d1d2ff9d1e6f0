"""Track the storages of one call: each one's last writer, the bytes alive at once, the weight bytes read."""

from collections.abc import Iterable

import torch
from torch.multiprocessing.reductions import StorageWeakRef

Range = tuple[int, int]
"""The bytes of a storage from the first, up to the second."""


class Storages:
    """The storages that a call has met.

    A weak reference keeps a storage's identity, but not its memory: no later storage gets the same
    number, and a freed one is known to be free.
    """

    def __init__(self, weights: Iterable[torch.Tensor]) -> None:
        self._weights = {storage_of(each): each for each in weights}
        """Held, for a network may replace its weights while it runs."""
        self._met: dict[int, StorageWeakRef] = {}
        self._alive: dict[int, int] = {}
        """Storage to its bytes, of those that were alive when they were last looked at."""
        self._alive_bytes = 0
        self._writers: dict[int, int] = {}
        self._writes = 0
        self.peak_bytes = 0
        """The largest sum of bytes that lived at once, without the weights."""

        self.constants: list[torch.Tensor] = []
        """What was adopted."""

    def knows(self, tensor: torch.Tensor) -> bool:
        """Return whether the tensor's storage was met, or is a weight's."""
        number = storage_of(tensor)
        return number in self._met or number in self._weights

    def adopt(self, tensors: Iterable[torch.Tensor]) -> None:
        """Count tensors that were there before the call among the weights: they are constants."""
        for tensor in tensors:
            self._weights[storage_of(tensor)] = tensor
            self.constants.append(tensor)

    def meet(self, tensors: Iterable[torch.Tensor]) -> None:
        """Note that these tensors are alive now, beside those met before that still are."""
        for tensor in tensors:
            storage, number = tensor.untyped_storage(), storage_of(tensor)
            if number in self._weights:
                continue
            if number not in self._met:
                self._met[number] = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
            size = storage.nbytes()
            self._alive_bytes += size - self._alive.get(number, 0)
            self._alive[number] = size
        if self._alive_bytes > self.peak_bytes:  # perhaps: some of them may have been freed
            self._alive = {each: size for each, size in self._alive.items() if not self._met[each].expired()}  # type: ignore[no-untyped-call]
            self._alive_bytes = sum(self._alive.values())
            self.peak_bytes = max(self.peak_bytes, self._alive_bytes)

    def write(self, tensors: Iterable[torch.Tensor]) -> None:
        """Note that an operator has written these tensors."""
        self._writes += 1
        for tensor in tensors:
            self._writers[storage_of(tensor)] = self._writes

    def written(self, tensor: torch.Tensor) -> int:
        """Return when an operator of this call wrote the tensor's storage last; 0 if none has."""
        return self._writers.get(storage_of(tensor), 0)

    def producer(self, tensor: torch.Tensor) -> int | None:
        """Return which of the writing operators, counted from 0, wrote the tensor's storage last; None if none has."""
        return self.written(tensor) - 1 if self.written(tensor) else None

    def is_weight(self, tensor: torch.Tensor) -> bool:
        """Return whether the tensor's storage is one of the weights'."""
        return storage_of(tensor) in self._weights

    @property
    def weights(self) -> list[torch.Tensor]:
        """The weights, and the constants that were met, one tensor for each storage."""
        return list(self._weights.values())


class WeightParts:
    """The parts of the weights that the operators of a call read, or write, by storage."""

    def __init__(self) -> None:
        self._parts: dict[int, dict[Range, int]] = {}

    def note(self, tensor: torch.Tensor, size: int) -> None:
        """Note that an operator moves `size` bytes of this part of a weight, in any order."""
        if not tensor.numel():
            return
        start = int(tensor.storage_offset()) * tensor.element_size()
        steps = int(sum((n - 1) * step for n, step in zip(tensor.shape, tensor.stride(), strict=True)))
        parts = self._parts.setdefault(storage_of(tensor), {})
        place = (start, start + (steps + 1) * tensor.element_size())
        parts[place] = max(size, parts.get(place, 0))

    def bytes_of(self, storages: Iterable[int]) -> int:
        """Return the bytes moved of these storages, no more than their parts have together."""
        parts = [self._parts[each] for each in storages if each in self._parts]
        return sum(min(sum(each.values()), _union(each)) for each in parts)


def _union(ranges: Iterable[Range]) -> int:
    covered = end = 0
    for start, stop in sorted(ranges):
        covered += max(0, stop - max(start, end))
        end = max(end, stop)
    return covered


def storage_of(tensor: torch.Tensor) -> int:
    """Return the number of a tensor's storage. Raises NotImplementedError for tensors without one."""
    return int(tensor.untyped_storage()._cdata)
