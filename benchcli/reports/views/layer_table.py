"""Lay out the table of a network's layers."""

from collections.abc import Callable, Iterator, Mapping, Sequence

from benchcli import formatting
from benchcli.analysis.layer_rows import OWN, LayerRow, accounted, are_judged, layer_rows, over_launches
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.outcomes import signed
from benchcli.reports.page import Table, numbers, words
from benchcli.reports.views import labels
from benchcli.reports.views.cells import ACCESS, FLOPS, agree, places
from benchcli.schema import Failure, Key, Layers, Record

ABOVE = 0.02
"""How far above the roof a layer is before something is said of it: roofs are not known better."""
MOST = 20
"""The most layers that a table shows of a network, the slowest ones, unless it is rolled up."""
OF_NODES = (
    "of a runtime with a graph of its own: a module that was fused into another has no time, and the network itself "
    "has conversions of layout, and nodes whose module the runtime has lost"
)
"""What is said of layers that a runtime's own nodes tell."""


def table(
    traced: Sequence[Layers],
    failures: Mapping[Key, Failure],
    depth: int | None = None,
    placed: Callable[[list[LayerRow]], list[LayerRow]] = list,
) -> Table:
    """Return the table: the slowest layers of each network, or all modules at a depth.

    `placed` puts them on the roofline, if the machine's roofs are known.
    """
    rows = placed(layer_rows(traced, depth))
    by_network = groups(rows, lambda row: row.key)
    names, launches = labels.networks(by_network), groups(traced, lambda each: each.key)
    sums = (_line(names[key], each, launches[key], depth) for key, each in by_network.items())
    lines = (*sums, *not_judged(traced), *lacking(failures))
    return table_of(rows, depth, lines)


def lacking(failures: Mapping[Key, Failure]) -> tuple[str, ...]:
    """Return a line for each network whose layers were not timed."""
    return tuple(f"{signed(each.status)}: {key[1]} has no layers: {each.error}" for key, each in failures.items())


def table_of(rows: Sequence[LayerRow], depth: int | None = None, lines: Sequence[str] = ()) -> Table:
    """Return the table of these rows, with further lines below."""
    names = labels.networks(row.key for row in rows)
    shown = [_slowest(each) if depth is None else each for each in groups(rows, lambda row: row.key).values()]
    rows = [row for each in shown for row in each]
    return Table(
        key="layers",
        title="Time by layer" if depth is None else f"Time by layer, rolled up to depth {depth}",
        columns=(
            *([words("network", (names[row.key] for row in rows))] if len(names) > 1 else []),
            words("layer", (row.path or OWN for row in rows)),
            words("type", (f"{row.kind} ×{row.calls}" if row.calls > 1 else row.kind for row in rows), 5),
            words("input", (formatting.shaped(row.inputs) for row in rows), 1),
            numbers("output", (formatting.shaped(row.outputs) for row in rows), 4),
            numbers(FLOPS, (UNKNOWN if row.flops is None else formatting.mega(row.flops) for row in rows), 3),
            numbers(ACCESS, (formatting.mega(row.mac_bytes) for row in rows), 2),
            numbers("time ms", (formatting.time(row.seconds) for row in rows)),
            numbers("share", (formatting.percent(row.share) for row in rows)),
            *places([row.place for row in rows]),
        ),
        groups=tuple(map(len, shown)),
        lines=(
            "time is what a module does itself, and of a rolled-up one what it calls too; share is that of a call in "
            "which nothing is timed",
            *whole(rows),
            *above_roof(rows),
            *lines,
        ),
    )


def whole(rows: Sequence[LayerRow]) -> Iterator[str]:
    """Yield which modules did the work of those in them, so that these have no rows."""
    paths = list(dict.fromkeys(row.path or row.variant for row in rows if row.is_whole))
    if paths:
        one = "each of them" if len(paths) > 1 else "it"
        yield (
            f"{formatting.named(paths)}: torch ran {one} as a whole, fused or compiled: the modules in it were not "
            "called, and have no times"
        )


def above_roof(rows: Sequence[LayerRow]) -> Iterator[str]:
    """Yield why layers may reach more than the roof."""
    above = list(dict.fromkeys(row.path for row in rows if row.place and row.place.achieved > 1 + ABOVE))
    if above:
        yield (
            f"{formatting.named(above)}: above the roof, where less is computed or moved than is counted: a kernel may "
            "leave out the taps of a dilated convolution that lie in the padding, or filter minimally (Winograd)"
        )


def _slowest(rows: Sequence[LayerRow]) -> list[LayerRow]:
    """Return the slowest layers, slowest first, and the network's own work."""
    layers = sorted((row for row in rows if row.path), key=lambda row: -row.seconds.estimate)
    return [*layers[:MOST], *(row for row in rows if not row.path)]


def _line(name: str, rows: Sequence[LayerRow], launches: Sequence[Layers], depth: int | None) -> str:
    shown = _slowest(rows) if depth is None else rows
    rest = [row for row in rows if row not in shown]
    others = f"; {len(rest)} more layers take {formatting.percent(sum(row.share for row in rest))}" if rest else ""
    sum_of = formatting.percent(accounted(launches))
    return f"{name}: all layers together take {sum_of} of a call in which nothing is timed{others}"


def of_other_calls(traced: Sequence[Layers], records: Mapping[Key, Record]) -> Iterator[str]:
    """Yield a line for each network whose layers were timed in calls of another time than the network has."""
    by_network = groups(traced, lambda each: each.key)
    names = labels.networks(by_network)
    for key, launches in by_network.items():
        record = records.get(key)
        call_s = over_launches({each.launch: each.call_s for each in launches}).estimate  # as the layers' times are
        timing = record.timing if record else None
        if timing and not agree(call_s, timing.seconds.estimate):
            yield (
                f"{names[key]}: the times of its layers are of calls of {formatting.milliseconds(call_s)} ms: its "
                f"own, {formatting.time(timing.seconds)} ms, is not known well enough to bring them to it; shares hold"
            )


def not_judged(traced: Sequence[Layers]) -> Iterator[str]:
    """Yield a line for each network whose layers do not add up to its call, with what may be the cause."""
    by_network = groups(traced, lambda each: each.key)
    names = labels.networks(by_network)
    for key, launches in by_network.items():
        if not are_judged(launches):
            share = accounted(launches)
            of_stamps = "timing the parts of so fast a network takes time too, or " if share > 1 else ""
            yield (
                f"{signed('not judged')}: the layers of {names[key]} take {formatting.percent(share)} of a call in "
                f"which nothing is timed: {of_stamps}other work disturbed one more than the other; their order holds, "
                "their shares do not"
            )
