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
            channels = str(next(iter(network.shape), ""))
            yield Variant(
                network.name,
                network.builder,
                network.arguments,
                network.shape,
                channels,
                inputs=network.inputs,
                top1_error=network.top1_error,
            )
