"""PyTorch's eager mode, which dispatches operators one by one."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Runtime
from benchcli.backends.transforms.base import AND, Transform, applied, chosen, in_order

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs


class Eager(Runtime):
    """Calls the network without any transformation."""

    name = "eager"
    title = "PyTorch eager"
    trains = True

    @property
    def options(self) -> Mapping[str, str]:
        """The transforms, of which several are joined by "+"."""
        return {name: each.title for name, each in in_order().items()}

    def with_option(self, option: str) -> Runtime:
        """Return the runtime that calls transformed networks. Raises UserError if there is no such transform."""
        return Transformed(chosen(option, f"option of {self.name}")) if option else self

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:  # noqa: ARG002
        """Return a callable that calls the network."""
        return inputs.bound_to(network)


class Transformed(Eager):
    """Calls what transforms make of the network."""

    trains = False

    def __init__(self, transforms: Sequence[Transform]) -> None:
        self.transforms = tuple(transforms)
        self.option = AND.join(each.name for each in transforms)
        self.untraceable = {what: why for each in transforms for what, why in each.untraceable.items()}

    def transformed(self, network: "torch.nn.Module", inputs: "Inputs") -> "tuple[torch.nn.Module, Inputs]":
        """Return a changed copy of the network."""
        return applied(self.transforms, network, inputs)


RUNTIMES.add(Eager())
