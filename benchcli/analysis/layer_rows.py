"""Where a network spends its time: the modules of several launches, rolled up to any depth."""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from benchcli.analysis.roofline import Placement
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.grouping import groups
from benchcli.schema import Interval, Layer, Layers, OfVariant
from benchcli.statistics import has_ranks, interval_over_launches

OWN = "(the network itself)"
"""What stands for the path of what a network does itself."""
SEVERAL = "several"
"""The type of a row whose module is a container: it is never called itself."""


@dataclass(frozen=True)
class LayerRow(OfVariant):
    """A module of a network, with what it calls below a depth."""

    path: str
    """Empty for what the network does itself, in no module of its own."""
    kind: str
    calls: int
    inputs: str
    outputs: str
    flops: int | None
    """Multiply-adds; None if an operator has no rule."""
    mac_bytes: int
    seconds: Interval
    """Seconds in a call of the network."""
    share: float
    """As a share of a call without stamps, the median over launches."""
    operators: int | None = None
    """None if an older run does not say."""
    place: Placement | None = None
    """On the roofline of the machine, if its roofs are known."""
    is_whole: bool = False
    """Whether it did the work of modules in it without calling them, so that they have no row."""


def layer_rows(traced: Iterable[Layers], depth: int | None = None) -> list[LayerRow]:
    """Return the modules of each variant in the order in which they are called, the network's own work last.

    With a depth, modules below it are counted as part of the one at that depth. Without, each module
    has only what it does itself.
    """
    networks = groups(traced, lambda each: each.key)
    return [row for launches in networks.values() for row in _rows(launches, depth)]


SUMS_APART = 0.1
"""The most by which the layers of a call may take more or less time than the call, for shares of it to be judged."""


def accounted(launches: Sequence[Layers]) -> float:
    """Return the sum of all modules' times over the time of a call without stamps: the median over launches."""
    return median(sum(layer.seconds for layer in each.layers) / each.call_s for each in launches)


def are_judged(launches: Sequence[Layers]) -> bool:
    """Return whether the layers of a network together take about as long as its call, so that shares say something."""
    return abs(accounted(launches) - 1) <= SUMS_APART


def tells_nodes(runtime: str) -> bool:
    """Return whether the layers of a run are those of nodes of a runtime's graph, as far as it is known here."""
    known = RUNTIMES.get(runtime.partition(":")[0])
    return known is not None and known.tells_nodes


def _rows(launches: Sequence[Layers], depth: int | None) -> Iterator[LayerRow]:
    paths = dict.fromkeys(rolled_up(layer.path, depth) for each in launches for layer in each.layers)
    ordered = [*(path for path in paths if path), *(path for path in paths if not path)]
    for path in ordered:
        parts = [[layer for layer in each.layers if rolled_up(layer.path, depth) == path] for each in launches]
        if any(parts):
            yield sum_of(launches, parts, path)


def sum_of(launches: Sequence[Layers], parts: Sequence[Sequence[Layer]], path: str) -> LayerRow:
    """Return the sum of some layers of each launch, as a row of the module at a path."""
    first = next(part for part in parts if part)
    itself = first[0]
    if itself.path != path:  # a container (ModuleList) is never called itself
        itself = replace(itself, kind=SEVERAL, calls=1, outputs=first[-1].outputs)
    flops, operators = [layer.flops for layer in first], [layer.operators for layer in first]
    seconds = {each.launch: sum(layer.seconds for layer in part) for each, part in zip(launches, parts, strict=True)}
    return LayerRow(
        family=launches[0].family,
        variant=launches[0].variant,
        path=path,
        kind=itself.kind,
        calls=itself.calls,
        inputs=itself.inputs,
        outputs=itself.outputs,
        flops=None if None in flops else sum(each or 0 for each in flops),
        mac_bytes=sum(layer.mac_bytes for layer in first),
        seconds=over_launches(seconds),
        share=median(seconds[each.launch] / each.call_s for each in launches),
        operators=None if None in operators else sum(each or 0 for each in operators),
        is_whole=itself.path == path and itself.is_whole,
    )


def over_launches(seconds: Mapping[int, float]) -> Interval:
    """Return the estimate over launches: on a logarithmic scale, unless a duration is 0 or negative."""
    if min(seconds.values()) <= 0:
        return Interval(median(seconds.values()))
    interval = interval_over_launches({launch: math.log(each) for launch, each in seconds.items()})
    return interval if has_ranks(len(seconds)) else Interval(interval.estimate)


def rolled_up(path: str, depth: int | None) -> str:
    """Return the path of the module at a depth that holds one."""
    return path if depth is None else ".".join(path.split(".")[:depth])
