"""Replace `nn.Module.__call__` during a block.

Hooks would do too, but torch takes other paths through modules that have hooks.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch

ModuleCall = Callable[..., Any]
"""Calls a module, its first argument, with the others."""


@contextmanager
def module_calls(wrapper: Callable[[ModuleCall], ModuleCall]) -> Iterator[None]:
    """Set `nn.Module.__call__` to `wrapper(original)` during the block."""
    original = torch.nn.Module.__call__
    torch.nn.Module.__call__ = wrapper(original)  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.__call__ = original  # type: ignore[method-assign]


def paths_of(network: torch.nn.Module) -> dict[int, str]:
    """Return the paths of a network's modules by their `id`; that of the network itself is empty."""
    return {id(module): path for path, module in network.named_modules()}
