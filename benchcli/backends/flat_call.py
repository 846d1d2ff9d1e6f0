"""A network as exporters take it: from tensors to tensors, whatever its arguments and its output hold them in."""

from typing import Any

import torch
from torch.utils._pytree import tree_flatten, tree_unflatten

from benchcli.cost.inputs import Inputs, tensors


class FlatCall(torch.nn.Module):
    """Takes the tensors of a call one by one, and returns those of its output in the order in which they are compared.

    What else the call was given stays as it was. Raises NotImplementedError for tensors in objects that
    torch does not look into.
    """

    def __init__(self, network: torch.nn.Module, inputs: Inputs) -> None:
        super().__init__()
        self.network = network
        self._leaves, self._tree = tree_flatten((inputs.args, dict(inputs.kwargs)))
        self._places = [place for place, leaf in enumerate(self._leaves) if isinstance(leaf, torch.Tensor)]
        if len(self._places) != len(inputs.tensors()):
            raise NotImplementedError("its inputs hold tensors in objects: give them in tuples, lists and dicts")
        in_order = getattr(network, "in_order", None)
        self._given = in_order(inputs) if in_order else [self._leaves[place] for place in self._places]

    @property
    def given(self) -> tuple[torch.Tensor, ...]:
        """The tensors of the call, contiguous, as `forward` takes them; for an ONNX file in the order of its graph."""
        return tuple(each.contiguous() for each in self._given)

    def forward(self, *given: torch.Tensor) -> Any:
        """Return the tensors of the network's output."""
        leaves = list(self._leaves)
        for place, tensor in zip(self._places, given, strict=True):
            leaves[place] = tensor
        args, kwargs = tree_unflatten(leaves, self._tree)
        return tuple(tensors(self.network(*args, **kwargs)))
