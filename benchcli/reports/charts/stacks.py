"""Make figures of stacked bars: what share of a network's time each of its parts takes."""

from collections.abc import Mapping, Sequence

from benchcli.reports.charts import grammar
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell

COLUMNS = ("network", "part", "share %", "from %", "to %", "place")
PALE = ("#9ecae1", "#fdae6b", "#a1d99b", "#bcbddc", "#fa9fb5", "#d9c27c", "#8dd3c7", "#e3e3e3")
"""Colours of parts on which black names can be read."""
LETTER = 1.6
"""Per cent of the chart's width that a letter takes: a name that is wider than its part is left to the legend."""


def figure(title: str, text: str, shares: Mapping[str, Mapping[str, float]], order: Sequence[str]) -> Figure:
    """Return a figure with a bar for each network; `order` has all parts, and gives each its colour."""
    rows = [row for network, parts in shares.items() for row in _rows(network, parts, order)]
    return Figure(title, text, COLUMNS, tuple(rows), _spec(rows))


def _rows(network: str, parts: Mapping[str, float], order: Sequence[str]) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    start = 0.0
    for place, part in enumerate(order):
        share = parts.get(part, 0.0) * 100
        if share > 0:
            rows.append((network, part, *map(grammar.drawn, (share, start, start + share)), place))
            start += share
    return rows


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    y = grammar.name("network", rows, 0)
    parts = [row[1] for row in sorted(rows, key=lambda row: int(row[5] or 0))]
    colour = grammar.series("part", parts, "color")["color"]
    colour["scale"]["range"] = PALE
    bars = {
        "mark": {"type": "bar", "stroke": "#444", "strokeWidth": 0.5},
        "encoding": {
            "x": {**grammar.number("from %", title="share of a call, %"), "scale": {"nice": False}},
            "x2": {"field": "to %"},
            "color": colour,
            "tooltip": grammar.tooltip(COLUMNS[:3]),
        },
    }
    names = {
        "transform": [
            {"filter": f"datum['share %'] > {LETTER} * (length(datum.part) + 1)"},
            {"calculate": "(datum['from %'] + datum['to %']) / 2", "as": "middle"},
            {"calculate": "datum['share %'] * 0.9", "as": "room"},
        ],
        "mark": {"type": "text", "fontSize": 10, "limit": {"expr": "datum.room * width / 100"}, "color": "#000"},
        "encoding": {"x": {"field": "middle", "type": "quantitative"}, "text": {"field": "part"}},
    }
    return {"height": grammar.rows_height([row[0] for row in rows]), "encoding": {"y": y}, "layer": [bars, names]}
