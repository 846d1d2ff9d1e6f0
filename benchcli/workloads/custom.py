"""Families of a user's own networks: `package.module:callable`, with arguments and the shape of an input."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchcli.schema import Parameter, Variant
from benchcli.workloads.family import FamilyRequest


@dataclass(frozen=True)
class CustomNetwork:
    """One network and its input, without the batch."""

    name: str
    builder: str
    arguments: Mapping[str, Parameter]
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class CustomRequest(FamilyRequest):
    """Networks of a user's own."""

    networks: tuple[CustomNetwork, ...]

    def variants(self) -> Iterator[Variant]:
        """Yield them as they are."""
        for network in self.networks:
            yield Variant(network.name, network.builder, network.arguments, network.shape, str(network.shape[0]))
