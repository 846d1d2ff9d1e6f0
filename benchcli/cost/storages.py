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
        self._links: list[tuple[int | None, set[int], set[int]]] = []
        """Of each operator: which of the writing ones it is, None for others, and the storages it reads and writes."""
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

    def link(self, read: Iterable[torch.Tensor], written: Iterable[torch.Tensor], moves: bool) -> None:
        """Note what the operator that comes next reads and writes, and whether it is one of the writing ones."""
        number = self._writes if moves else None
        self._links.append((number, set(map(storage_of, read)), set(map(storage_of, written))))

    def unused(self) -> list[int]:
        """Return the writing operators, counted from 0, of which nothing reaches what is left of the call.

        Left are the storages that are still alive, such as those of the output and of what a network keeps, and
        the weights. An operator that writes nothing gives Python a value, and is used. None of a storage's writers
        is ruled out by a later one, which may have written another part of it.
        """
        used = {*self._weights, *(number for number, each in self._met.items() if not each.expired())}  # type: ignore[no-untyped-call]
        unused = []
        for number, read, written in reversed(self._links):
            if not written or written & used:
                used |= read
            elif number is not None:
                unused.append(number)
        return unused[::-1]

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
