"""Follow the storages of one call: who wrote each one last, and how many bytes live at once."""

from collections.abc import Iterable

import torch
from torch.multiprocessing.reductions import StorageWeakRef


class Storages:
    """The storages that a call has met.

    A weak reference keeps a storage's identity, but not its memory: no later storage gets the same
    number, and a freed one is known to be free.
    """

    def __init__(self, weights: Iterable[torch.Tensor]) -> None:
        self._weights = {storage_of(each) for each in weights}
        self._alive: dict[int, tuple[StorageWeakRef, int]] = {}
        self._met: dict[int, StorageWeakRef] = {}
        self._writers: dict[int, int] = {}
        self._writes = 0
        self.peak_bytes = 0
        """The largest sum of bytes that lived at once, without the weights."""

    def meet(self, tensors: Iterable[torch.Tensor]) -> None:
        """Note that these tensors are alive now, beside those met before that still are."""
        for tensor in tensors:
            number = storage_of(tensor)
            if number not in self._met and number not in self._weights:
                storage = tensor.untyped_storage()
                self._met[number] = StorageWeakRef(storage)  # type: ignore[no-untyped-call]
                self._alive[number] = (self._met[number], storage.nbytes())
        self._alive = {number: (ref, size) for number, (ref, size) in self._alive.items() if not ref.expired()}  # type: ignore[no-untyped-call]
        self.peak_bytes = max(self.peak_bytes, sum(size for _, size in self._alive.values()))

    def write(self, tensors: Iterable[torch.Tensor]) -> None:
        """Note that an operator has written these tensors."""
        self._writes += 1
        for tensor in tensors:
            self._writers[storage_of(tensor)] = self._writes

    def written(self, tensor: torch.Tensor) -> int:
        """Return when an operator of this call wrote the tensor's storage last; 0 if none has."""
        return self._writers.get(storage_of(tensor), 0)

    def is_weight(self, tensor: torch.Tensor) -> bool:
        """Return whether the tensor's storage is one of the weights'."""
        return storage_of(tensor) in self._weights


def storage_of(tensor: torch.Tensor) -> int:
    """Return the number of a tensor's storage. Raises NotImplementedError for tensors without one."""
    return int(tensor.untyped_storage()._cdata)
