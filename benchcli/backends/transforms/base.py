"""The interface of a transform: a change of a whole network that keeps what it computes, and needs no training."""

import copy
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from benchcli.errors import unknown
from benchcli.registry import Registry

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

AND = "+"
"""What joins the names of several transforms."""


class Transform(ABC):
    """One way to change a network. Subclass it in a file of this package; register an instance."""

    name: ClassVar[str]
    title: ClassVar[str]
    """What is changed."""
    suggestion: ClassVar[str]
    """What users do to have it in their own code."""
    nothing: ClassVar[str]
    """Why it changes nothing, of a network to which it applies nowhere."""
    order: ClassVar[int]
    """Its place among several: a lower one is applied before, and stands before it in names."""
    needs_fresh_weights: ClassVar[bool] = False
    """Whether the changed network has to be trained anew."""
    keeps_modules: ClassVar[bool] = True
    """Whether what it makes still calls the network's modules one by one, as modules of Python."""
    untraceable: ClassVar[Mapping[Literal["breakdown", "layers"], str]] = {}
    """What calls of the changed network do not show, as `Runtime.untraceable` has it."""

    @abstractmethod
    def applies(self, network: "torch.nn.Module", inputs: "Inputs") -> int:
        """Return the number of places that it would change; 0 if there is none.

        The network is in evaluation mode, and is left as it is. Raises NotImplementedError for a
        network that cannot be looked into.
        """

    @abstractmethod
    def apply(self, network: "torch.nn.Module", inputs: "Inputs") -> "tuple[torch.nn.Module, Inputs]":
        """Return the changed network, which may be the given one, and what it is called with.

        Raises NotImplementedError if it applies nowhere, or cannot be applied.
        """


TRANSFORMS: Registry[Transform] = Registry("transform", "benchcli.backends.transforms")


def in_order() -> dict[str, Transform]:
    """Return the transforms by name, in the order in which they are applied."""
    return {each.name: each for each in sorted(TRANSFORMS, key=lambda each: each.order)}


def chosen(text: str, what: str) -> tuple[Transform, ...]:
    """Return the transforms that a text such as "fold+inplace" names, in their order.

    Raises UserError, with `what` for what the text is, if it names another one.
    """
    known, names = in_order(), text.split(AND)
    for name in names:
        if name not in known:
            raise unknown(what, name, known)
    return tuple(each for name, each in known.items() if name in names)


def applied(
    transforms: Sequence[Transform], network: "torch.nn.Module", inputs: "Inputs"
) -> "tuple[torch.nn.Module, Inputs]":
    """Return a network with all transforms applied, and what it is called with; the given network stays as it is.

    Raises NotImplementedError if one of them applies nowhere, or cannot be applied.
    """
    if any(each.keeps_modules for each in transforms):
        network = _copied(network)
    for each in transforms:
        network, inputs = each.apply(network, inputs)
    return network, inputs


def _copied(network: "torch.nn.Module") -> "torch.nn.Module":
    """Return a copy: a user's function may return the same network again for another variant."""
    try:
        return copy.deepcopy(network)
    except (RuntimeError, TypeError, ValueError) as error:
        raise NotImplementedError(f"it cannot be copied to be changed: {error}") from None
