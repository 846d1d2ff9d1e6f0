"""The modules of a network as a tree, each with all that it calls, and totals by type of layer."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchcli.analysis.layer_rows import LayerRow, sum_of
from benchcli.grouping import groups
from benchcli.schema import Interval, Layer, Layers, OfVariant


@dataclass(frozen=True)
class Module:
    """A module of a network, with all that it calls."""

    depth: int
    """0 for the network itself, 1 for its children."""
    row: LayerRow
    """Its totals; of the network, those of a whole call."""
    has_parts: bool
    """Whether it calls other modules."""


@dataclass(frozen=True)
class LayerType(OfVariant):
    """The modules of one class in a network, and what they do themselves."""

    kind: str
    modules: int
    calls: int
    flops: int | None
    """Multiply-adds; None if an operator has no rule."""
    mac_bytes: int
    seconds: Interval
    """Seconds in a call of the network."""
    share: float
    """As a share of a call without stamps, the median over launches."""


def module_tree(traced: Iterable[Layers], depth: int | None = None) -> list[Module]:
    """Return the modules of each variant down to a depth, each before those that it calls, in the order of calls."""
    networks = groups(traced, lambda each: each.key)
    return [module for launches in networks.values() for module in _tree(launches, depth)]


def layer_types(traced: Iterable[Layers]) -> list[LayerType]:
    """Return the types of layers of each variant, the one that takes most of the time first."""
    networks = groups(traced, lambda each: each.key)
    return [each for launches in networks.values() for each in sorted(_types(launches), key=lambda each: -each.share)]


def _tree(launches: Sequence[Layers], depth: int | None) -> Iterator[Module]:
    within = [_by_caller(each.layers) for each in launches]
    children: dict[str, dict[str, None]] = {}
    for path in dict.fromkeys(path for each in within for path in each if path):
        children.setdefault(path.rpartition(".")[0], {})[path] = None

    def below(path: str, level: int) -> Iterator[Module]:
        called = children.get(path, {})
        yield Module(level, sum_of(launches, [each.get(path, []) for each in within], path), bool(called))
        if depth is None or level < depth:
            for child in called:
                yield from below(child, level + 1)

    return below("", 0)


def _by_caller(layers: Sequence[Layer]) -> dict[str, list[Layer]]:
    """Return the layers by the path of each module that they are in: the network, "", their callers, and themselves."""
    within: dict[str, list[Layer]] = {}
    for layer in layers:
        parts = layer.path.split(".") if layer.path else []
        for length in range(len(parts) + 1):
            within.setdefault(".".join(parts[:length]), []).append(layer)
    return within


def _types(launches: Sequence[Layers]) -> Iterator[LayerType]:
    for kind in dict.fromkeys(layer.kind for each in launches for layer in each.layers):
        parts = [[layer for layer in each.layers if layer.kind == kind] for each in launches]
        first, total = next(part for part in parts if part), sum_of(launches, parts, "")
        yield LayerType(
            family=total.family,
            variant=total.variant,
            kind=kind,
            modules=len(first),
            calls=sum(layer.calls for layer in first),
            flops=total.flops,
            mac_bytes=total.mac_bytes,
            seconds=total.seconds,
            share=total.share,
        )
