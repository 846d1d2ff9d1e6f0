"""Families of a user's own networks: `package.module:callable`, its arguments and input shape."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchcli.schema import Input, Parameter, Variant
from benchcli.workloads.requests import FamilyRequest


@dataclass(frozen=True)
class CustomNetwork:
    """One network and the shape of its first input, without the batch."""

    name: str
    builder: str
    arguments: Mapping[str, Parameter]
    shape: tuple[int, ...]
    inputs: tuple[Input, ...] = ()
    """What it is called with; empty for one image of `shape`, or what its callable gives."""
    top1_error: float | None = None
    """Its error in per cent; None if it is not known."""


@dataclass(frozen=True, kw_only=True)
class CustomRequest(FamilyRequest):
    """A request for a user's own networks."""

    networks: tuple[CustomNetwork, ...]

    def variants(self) -> Iterator[Variant]:
        """Yield a variant for each network, in the order of the request."""
        for network in self.networks:
            yield Variant(
                network.name,
                network.builder,
                network.arguments,
                network.shape,
                _channels(network),
                inputs=network.inputs,
                top1_error=network.top1_error,
            )


IMAGE = 3
"""The sizes of an image: channels, height and width."""


def _channels(network: CustomNetwork) -> str:
    """Return the channels of an image; empty for other inputs, whose first size may be a length."""
    return str(network.shape[0]) if len(network.shape) >= IMAGE else ""
