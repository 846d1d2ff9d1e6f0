"""Families of somebody's own networks: `package.module:callable`, with arguments and the shape of an input."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from benchcli.schema import Family, Parameter, Source, Variant
from benchcli.workloads.family import PlainRequest


@dataclass(frozen=True)
class OwnNetwork:
    """One network and its input, without the batch."""

    name: str
    builder: str
    arguments: Mapping[str, Parameter]
    shape: tuple[int, ...]


@dataclass(frozen=True, kw_only=True)
class OwnRequest(PlainRequest):
    """Networks of one's own."""

    networks: tuple[OwnNetwork, ...]

    def variants(self) -> Iterator[Variant]:
        """Yield them as they are."""
        for own in self.networks:
            yield Variant(own.name, own.builder, own.arguments, own.shape, str(own.shape[0]))


def taken_from(source: Source, family: Family) -> Family:
    """Return the family with its networks taken from a source, those of benchcli itself aside."""
    return replace(
        family,
        variants=tuple(v if v.is_built_in else replace(v, source=source) for v in family.variants),
    )
