"""Families of somebody's own networks: `package.module:callable`, with arguments and the shape of an input."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from benchcli.schema import Family, Parameter, Source, Variant

BENCHCLI = "benchcli."
"""The networks that ship lie in this package, whatever folder somebody's own are taken from."""


@dataclass(frozen=True)
class OwnNetwork:
    """One network and its input, without the batch."""

    name: str
    builder: str
    arguments: Mapping[str, Parameter]
    shape: tuple[int, ...]


@dataclass(frozen=True)
class OwnRequest:
    """Networks compared with each other, at every combination of these settings; the first is the baseline."""

    name: str
    networks: tuple[OwnNetwork, ...]
    batches: tuple[int, ...] = (1,)
    dtypes: tuple[str, ...] = ("float32",)
    layouts: tuple[str, ...] = ("nchw",)


def expand_own(request: OwnRequest) -> Iterator[Family]:
    """Yield a family for each batch, dtype and layout."""
    settings = (request.batches, request.dtypes, request.layouts)
    for batch, dtype, layout in product(*settings):
        extras = zip((f"b{batch}", dtype, layout), settings, strict=True)
        yield Family(
            name="-".join([request.name, *(text for text, choices in extras if len(choices) > 1)]),
            guideline="",
            scale=1,
            widths="own",
            batch=batch,
            dtype=dtype,
            layout=layout,
            variants=tuple(
                Variant(own.name, own.builder, own.arguments, own.shape, str(own.shape[0])) for own in request.networks
            ),
        )


def taken_from(source: Source, family: Family) -> Family:
    """Return the family with its networks taken from a source, those of benchcli itself aside."""
    return replace(
        family,
        variants=tuple(v if v.builder.startswith(BENCHCLI) else replace(v, source=source) for v in family.variants),
    )
