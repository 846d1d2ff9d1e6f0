"""Book what the backward pass does to the modules whose calls it differentiates."""

from bisect import bisect_right
from collections.abc import Sequence
from threading import get_ident

import torch


class Nodes:
    """The nodes of autograd's graph, by their numbers, and the modules that were being called when they were made.

    torch numbers the nodes of a thread as it makes them. Those that it makes while a module is being
    called, and none of the modules that this one calls, are that module's.
    """

    def __init__(self, network: torch.nn.Module, path: Sequence[str]) -> None:
        """`path` has the paths of the modules that are being called, the innermost last."""
        self._path, self._thread = path, get_ident()
        self._numbers: list[int] = []
        self._modules: list[str] = []
        self._owners = {id(each): name.rpartition(".")[0] for name, each in network.named_parameters()}

    def turn(self) -> None:
        """Note that a module's call has begun or ended: another module makes the nodes from now on."""
        if get_ident() == self._thread:  # each thread numbers its own
            self._numbers.append(torch._C._autograd._get_sequence_nr())
            self._modules.append(self._called())

    def module(self) -> str:
        """Return the path of the module to which the operator that is dispatched now belongs."""
        node = torch._C._current_autograd_node()
        # What is computed once more for the backward pass (checkpoints) runs in calls of its own.
        if node is None or (self._path and torch.is_grad_enabled()):
            return self._called()
        if hasattr(node, "variable"):  # it adds up the gradient of a parameter
            return self._owners.get(id(node.variable), "")
        place = bisect_right(self._numbers, node._sequence_nr())
        return self._modules[place - 1] if place else ""

    def _called(self) -> str:
        return self._path[-1] if self._path else ""


def is_backward() -> bool:
    """Return whether the operator that is dispatched now computes a gradient, and will not be differentiated itself."""
    return torch._C._current_autograd_node() is not None and not torch.is_grad_enabled()
