"""Draw where the time of a network goes: its modules as an icicle, and its types of layers as sorted bars."""

from collections.abc import Iterator, Sequence
from dataclasses import replace

from benchcli import formatting
from benchcli.analysis.module_tree import LayerType, Module, layer_types, module_tree
from benchcli.grouping import groups
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, DrawnAudit, LabelledRun
from benchcli.reports.charts.label_places import LETTER
from benchcli.reports.charts.stacks import PALE
from benchcli.reports.page import Figure
from benchcli.reports.views import labels
from benchcli.runs.rows import Cell

COLUMNS = ("module", "name", "type", "level", "from %", "to %", "share %", "time ms", "colour")
OF_TYPES = ("type", "share %", "time ms", "layers", "label")
LEAST = 0.005
"""The least share of a call with which a module is drawn."""
DEEPEST = 8
"""The most levels that are drawn."""
MOST_TYPES = 12
"""The most types with a bar of their own: those that take most of the time."""
MOST_OVERVIEW = 2
"""The most networks whose modules stand above all sections of a page."""
CONTAINER, OTHERS = "contains others", "other types"
COLOURED = len(PALE) - 2
"""The most types with a colour of their own."""
SHORT = 6
"""The most letters for which a module must have room to have its name, which may be cut, in it."""
LEVEL_HEIGHT = 26
"""Pixels of a level of an icicle."""


class ByLayer(Chart):
    """An icicle of the modules of each network whose layers were timed, and bars of its types of layers."""

    name = "layers"
    shows = "share of the time by module and by type of layer"
    after = "breakdown"
    heading = "Time by layer"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of runs and networks."""
        for run in runs:
            types = groups(layer_types(run.report.layers), lambda each: each.key)
            names = labels.networks(types)
            modules = groups(module_tree(run.report.layers, DEEPEST), lambda module: module.row.key)
            for key, of in modules.items():
                network = f"{names[key]} ({run.label})" if run.label else names[key]
                yield replace(
                    _icicle(network, of, types[key]), is_overview=len(runs) == 1 and len(types) <= MOST_OVERVIEW
                )
                yield _bars(network, types[key])

    def of_audit(self, audit: DrawnAudit) -> Iterator[Figure]:
        """Yield those of the audited network."""
        yield from self.figures([LabelledRun("", audit.run)])


def _icicle(network: str, modules: Sequence[Module], types: Sequence[LayerType]) -> Figure:
    colours = [each.kind for each in types[:COLOURED]]
    rows = _placed(modules, colours)
    return Figure(
        title=f"Where the time of {network} goes, by module",
        text="Each level is what the one above it calls, in the order of calls; widths are shares of a call. Click a "
        "module to see it alone, and the uppermost one to see all. Modules below "
        f"{formatting.percent(LEAST)} are left out.",
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows, colours),
        is_wide=True,
        for_drawing=("name", "level", "from %", "to %", "colour"),
    )


def _placed(modules: Sequence[Module], colours: Sequence[str]) -> list[tuple[Cell, ...]]:
    """Return the rows of the modules that are large enough, each from where the one before it on its level ends."""
    rows: list[tuple[Cell, ...]] = []
    ends = [0.0] * (DEEPEST + 2)
    for module in modules:
        row, level = module.row, module.depth
        start, share = ends[level], max(row.share, 0.0)
        ends[level], ends[level + 1] = start + share, start
        if share >= LEAST:
            kind = CONTAINER if module.has_parts else row.kind if row.kind in colours else OTHERS
            shares = (grammar.drawn(each, 100) for each in (start, start + share, share))
            name = row.path.rpartition(".")[2] or row.variant
            label = name if not row.path or module.has_parts else f"{name} {row.kind}"
            time = grammar.drawn(row.seconds.estimate, 1e3)
            rows.append((row.path or row.variant, label, row.kind, level, *shares, time, kind))
    return rows


def _spec(rows: Sequence[tuple[Cell, ...]], kinds: Sequence[str]) -> grammar.Spec:
    drawn = [kind for kind in (*kinds, OTHERS, CONTAINER) if kind in {row[8] for row in rows}]
    colour = grammar.series("colour", drawn, "color")["color"]
    palette = dict(zip((*kinds, OTHERS, CONTAINER), (*PALE[: len(kinds)], *PALE[-2:]), strict=True))
    colour["scale"]["range"] = [palette[kind] for kind in drawn]
    y = {"field": "level", "type": "ordinal", "axis": None, "scale": {"paddingInner": 0.05}}
    x = {**grammar.number("from %", title="share of a call, %"), "scale": _zoomed(rows)}
    bars = {
        "params": [{"name": "at", "select": {"type": "point", "fields": ["from %", "to %"], "toggle": False}}],
        "mark": {"type": "bar", "stroke": "#444", "strokeWidth": 0.5, "cursor": "pointer", "clip": True},
        "encoding": {
            "x": x,
            "x2": {"field": "to %"},
            "color": colour,
            "tooltip": grammar.tooltip([column for column in COLUMNS if column not in {"name", "level", "colour"}]),
        },
    }
    return {
        "height": LEVEL_HEIGHT * (1 + max((int(row[3] or 0) for row in rows), default=0)),
        "encoding": {"y": y},
        "layer": [bars, _names(rows)],
    }


def _whole(rows: Sequence[tuple[Cell, ...]]) -> float:
    """Return where the icicle ends: at 100 %, or further if the modules together took longer than the call."""
    return max([100.0, *(float(row[5] or 0) for row in rows)])


def _zoomed(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    """Return the scale of what is shown: the module that was clicked, or all."""
    return {
        "nice": False,
        "zero": False,
        "domainMin": {"expr": "at['from %'] ? at['from %'][0] : 0"},
        "domainMax": {"expr": f"at['to %'] ? at['to %'][0] : {_whole(rows)}"},
    }


def _names(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    """Return the names of the modules, each in the middle of what is shown of its module, if there is room."""
    least, most = "(at['from %'] ? at['from %'][0] : 0)", f"(at['to %'] ? at['to %'][0] : {_whole(rows)})"
    left, right = f"max(datum['from %'], {least})", f"min(datum['to %'], {most})"
    return {
        "transform": [
            {"calculate": f"({left} + {right}) / 2", "as": "middle"},
            {"calculate": f"({right} - {left}) / ({most} - {least})", "as": "room"},
            {"filter": f"datum.room * width > {LETTER} * min(length(datum.name), {SHORT})"},
        ],
        "mark": {
            "type": "text",
            "fontSize": 10,
            "color": "#000",
            "clip": True,
            "limit": {"expr": "datum.room * width * 0.95"},
        },
        "encoding": {"x": {"field": "middle", "type": "quantitative"}, "text": {"field": "name"}},
    }


def _bars(network: str, types: Sequence[LayerType]) -> Figure:
    shown = types[:MOST_TYPES]
    rest = sum(each.share for each in types[MOST_TYPES:])
    rows = [
        (
            each.kind,
            grammar.drawn(each.share, 100),
            grammar.drawn(each.seconds.estimate, 1e3),
            each.modules,
            f"{formatting.percent(each.share)}, {formatting.counted(each.modules, 'layer')}",
        )
        for each in shown
    ]
    left_out = f" {len(types) - MOST_TYPES} more types take {formatting.percent(rest)}." if rest else ""
    return Figure(
        title=f"Where the time of {network} goes, by type of layer",
        text=f"What the layers of each type do themselves, as a share of a call, and how many there are.{left_out}",
        columns=OF_TYPES,
        rows=tuple(rows),
        spec=_spec_of_bars(rows),
        for_drawing=("label",),
    )


def _spec_of_bars(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    most = max((float(row[1] or 0) for row in rows), default=1.0)
    x: grammar.Spec = {**grammar.number("share %", zero=True), "scale": {"domain": [0, most * 1.5], "nice": False}}
    colour = grammar.without_legend(grammar.series("type", [row[0] for row in rows], "color")["color"])
    colour["scale"]["range"] = [*PALE[:COLOURED], *[PALE[-2]] * len(rows)][: len(rows)]
    text = {"x": x, "text": {"field": "label"}}
    return {
        "height": grammar.rows_height([row[0] for row in rows]),
        "encoding": {"y": grammar.name("type", rows, 0)},
        "layer": [
            {
                "mark": {"type": "bar", "stroke": "#444", "strokeWidth": 0.5},
                "encoding": {"x": x, "color": colour, "tooltip": grammar.tooltip(OF_TYPES[:4])},
            },
            {"mark": {"type": "text", "align": "left", "dx": 4, "fontSize": 10}, "encoding": text},
        ],
    }


CHARTS.add(ByLayer())
