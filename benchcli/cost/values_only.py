"""Let decompositions compute values alone where torch would, were its operators not watched.

While they are, torch computes the vectors too, for a gradient that might need them.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import wraps
from typing import Any

import torch
from torch._ops import OpOverload

FUNCTIONS = ("cond", "eigvals", "eigvalsh", "matrix_norm", "matrix_rank", "norm", "svdvals")
"""The functions of torch.linalg that need no vectors."""
Call = tuple[OpOverload, tuple[Any, ...], Mapping[str, Any]]


@contextmanager
def noticed() -> Iterator[Sequence[str]]:
    """Yield the functions that are running, those that need no vectors, during the block."""
    running: list[str] = []

    def noticing(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(function)
        def call(*args: Any, **kwargs: Any) -> Any:
            if torch.is_grad_enabled():  # a gradient may need the vectors
                return function(*args, **kwargs)
            running.append(name)
            try:
                return function(*args, **kwargs)
            finally:
                running.pop()

        return call

    originals = {name: getattr(torch.linalg, name) for name in FUNCTIONS}
    for name, function in originals.items():
        setattr(torch.linalg, name, noticing(name, function))
    try:
        yield running
    finally:
        for name, function in originals.items():
            setattr(torch.linalg, name, function)


def without_vectors(call: Call) -> Call:
    """Return the call that computes no vectors in the place of one that does."""
    func, args, kwargs = call
    if func is torch.ops.aten._linalg_svd.default:
        return func, (args[0], False, False), kwargs
    if func is torch.ops.aten._linalg_eigh.default:
        return func, (args[0], *(args[1:2] or ("L",)), False), {}
    if func is torch.ops.aten.linalg_eig.default:
        return torch.ops.aten._linalg_eigvals.default, args, {}
    return call


def as_pair(values: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Return eigenvalues as a call with vectors does."""
    return values, values.new_empty(0)
