"""Recognise the three real convolutions that torch makes of a complex one.

(a + ib)(c + id) has four real products. torch computes three, ac, bd and (a + b)(c + d), and gets
the imaginary part as their difference. A complex multiply-add counts as four wherever it stands, so
the third convolution, of the sums, counts twice.
"""

import torch

from benchcli.cost.storages import storage_of

PRODUCTS = 4
"""Real multiply-adds in a complex one."""


class ComplexParts:
    """The real and imaginary parts that a call has taken from complex tensors, and their sums."""

    def __init__(self) -> None:
        self._complex: set[int] = set()
        """Storages of complex tensors that were viewed as real ones."""
        self._sums: set[int] = set()

    def note(self, name: str, operands: list[torch.Tensor], result: object) -> None:
        """Note what an operator does with parts of complex tensors."""
        if name == "view_as_real":
            self._complex.add(storage_of(operands[0]))
        elif self._complex and name == "add" and len(operands) == 2 and self._are_parts(*operands):
            assert isinstance(result, torch.Tensor)  # noqa: S101  as `add` has it
            self._sums.add(storage_of(result))

    def products(self, image: torch.Tensor, weight: torch.Tensor) -> int:
        """Return how many real products each product of a convolution, or of its gradients, stands for."""
        return 2 if self._sums and {storage_of(image), storage_of(weight)} <= self._sums else 1

    def _are_parts(self, one: torch.Tensor, other: torch.Tensor) -> bool:
        """Return whether two tensors are the real and the imaginary parts of one."""
        return (
            storage_of(one) == storage_of(other) in self._complex
            and abs(int(one.storage_offset()) - int(other.storage_offset())) == 1
            and one.stride() == other.stride()
            and one.shape == other.shape
        )
