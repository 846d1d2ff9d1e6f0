"""Lay out the tables of a network's layer types and of its tree of modules."""

from collections.abc import Mapping, Sequence

from benchcli import formatting
from benchcli.analysis.layer_rows import LayerRow
from benchcli.analysis.module_tree import LayerType, Module, layer_types, module_tree
from benchcli.formatting import UNKNOWN
from benchcli.grouping import groups
from benchcli.reports.page import Column, Table, numbers, words
from benchcli.reports.views import labels
from benchcli.reports.views.cells import ACCESS, FLOPS
from benchcli.reports.views.layer_table import not_judged, whole
from benchcli.schema import Key, Layers
from benchcli.spelling import given

MOST_ROWS = 400
"""The most modules that a table shows of a network, the first ones, unless it ends at a depth."""
BRANCH, LAST, TRUNK = "├─ ", "└─ ", "│  "


def tables(
    traced: Sequence[Layers], depth: int | None = None, lines: Sequence[str] = (), least: float = 0.0
) -> tuple[Table, ...]:
    """Return the table of totals by layer type, and the tree of modules, with further lines below.

    The tree goes down to a depth, and has the modules with at least this share of a call.
    """
    modules = module_tree(traced, depth)
    large = [module for module in modules if not module.depth or module.row.share >= least]
    small = len(modules) - len(large)
    below = f"{formatting.counted(small, 'module')} below {formatting.percent(least)}"
    rest = [f"{below}, left out: benchcli show RUN --tree has all"]
    below_tree = [*(rest if small else []), *not_judged(traced), *lines]
    return _types(layer_types(traced)), _tree(large, depth, below_tree)


def _types(types: Sequence[LayerType]) -> Table:
    of_networks = groups(types, lambda each: each.key)
    names = labels.networks(of_networks)
    return Table(
        key="layer types",
        title="Time by type of layer",
        columns=(
            *([words("network", (names[each.key] for each in types))] if len(of_networks) > 1 else []),
            words("type", (each.kind for each in types)),
            numbers("layers", (str(each.modules) for each in types), 1),
            numbers("calls", (str(each.calls) for each in types), 2),
            *_costs(types, flops=4, access=3),
            *_times(types),
        ),
        groups=tuple(map(len, of_networks.values())),
        lines=("totals of what the layers of a type do themselves, without the modules that they call",),
    )


def _tree(modules: Sequence[Module], depth: int | None, lines: Sequence[str]) -> Table:
    of_networks = groups(modules, lambda each: each.row.key)
    names = labels.networks(of_networks)
    shown = [of[: MOST_ROWS if depth is None else len(of)] for of in of_networks.values()]
    left_out = sum(map(len, of_networks.values())) - sum(map(len, shown))
    kept = [module for of in shown for module in of]
    rows = [module.row for module in kept]
    return Table(
        key="modules",
        title="Modules" if depth is None else f"Modules, down to depth {depth}",
        columns=(
            Column("module", tuple(each for of in shown for each in _branches(of, names)), is_tree=True),
            words("type", (f"{row.kind} ×{row.calls}" if row.calls > 1 else row.kind for row in rows), 6),
            words("input", (formatting.shaped(row.inputs) for row in rows), 1),
            numbers("output", (formatting.shaped(row.outputs) for row in rows), 2),
            *_costs(rows, flops=5, access=4),
            *_times(rows),
        ),
        groups=tuple(map(len, shown)),
        lines=(
            "each module with all that it calls; share is that of a call in which nothing is timed",
            *whole(rows),
            *([f"{left_out} more modules are left out: {given('depth')} shows fewer levels"] if left_out else []),
            *lines,
        ),
    )


def _costs(rows: Sequence[LayerType | LayerRow], flops: int, access: int) -> tuple[Column, ...]:
    return (
        numbers(FLOPS, (UNKNOWN if row.flops is None else formatting.mega(row.flops) for row in rows), flops),
        numbers(ACCESS, (formatting.mega(row.mac_bytes) for row in rows), access),
    )


def _times(rows: Sequence[LayerType | LayerRow]) -> tuple[Column, ...]:
    return (
        numbers("time ms", (formatting.time(row.seconds) for row in rows)),
        numbers("share", (formatting.percent(row.share) for row in rows)),
    )


def _branches(modules: Sequence[Module], networks: Mapping[Key, str]) -> list[str]:
    """Return the names of a network's modules behind the branches that lead to them."""
    names: list[str] = []
    is_last: list[bool] = []
    for number, module in enumerate(modules):
        level = module.depth
        if not level:
            names.append(networks[module.row.key])
            continue
        following = next((each.depth for each in modules[number + 1 :] if each.depth <= level), 0)
        is_last[level - 1 :] = [following < level]
        trunk = "".join("   " if last else TRUNK for last in is_last[: level - 1])
        names.append(f"{trunk}{LAST if is_last[level - 1] else BRANCH}{module.row.path.rpartition('.')[2]}")
    return names
