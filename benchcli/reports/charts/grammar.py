"""The parts of Vega-Lite specifications that several kinds of chart share."""

from collections.abc import Mapping, Sequence
from math import isfinite

from benchcli.reports.page import Spec as Spec
from benchcli.runs.rows import Cell
from benchcli.schema import Interval, Record

DIGITS = 5
"""Significant digits of a drawn number."""
ROW_HEIGHT, FRAME_HEIGHT = 22, 20
"""Pixels of a row of a chart with a row for each network, and of what surrounds its rows."""
POINT = {"type": "point", "filled": True, "size": 60, "opacity": 1}
JUDGED, NOT_JUDGED = "judged", "not judged"
"""The column, the last one, that says which points are not judged, and what it says of them."""


def drawn(number: float | None, factor: float = 1.0) -> float | None:
    """Return a number as a chart has it: times `factor`, with a few significant digits.

    What is no finite number is absent.
    """
    scaled = None if number is None else number * factor
    return float(f"{scaled:.{DIGITS}g}") if scaled is not None and isfinite(scaled) else None


def ends(interval: Interval | None, factor: float = 1.0) -> tuple[float | None, float | None, float | None]:
    """Return an interval's estimate and ends as a chart has them."""
    if interval is None:
        return None, None, None
    return drawn(interval.estimate, factor), drawn(interval.low, factor), drawn(interval.high, factor)


def judged(record: Record) -> str:
    """Return what the column `JUDGED` says of a record; its points are pale where it is not judged."""
    return NOT_JUDGED if record.is_disturbed else ""


def pale(rows: Sequence[Sequence[Cell]]) -> str:
    """Return the sentence on the pale points of a chart, after a space; empty if it has none."""
    is_there = any(row[-1] == NOT_JUDGED for row in rows)
    return " Pale points are not judged: over half of their samples were disturbed." if is_there else ""


def number(field: str, log: bool = False, zero: bool = False, title: str | None = None) -> Spec:
    """Return the encoding of a number along an axis."""
    scale = {"type": "log", "nice": False, "padding": 12} if log else {"zero": zero}
    return {"field": field, "type": "quantitative", "scale": scale, "title": title or field}


def name(field: str, rows: Sequence[Sequence[Cell]], place: int, title: str | None = None) -> Spec:
    """Return the encoding of names along an axis, in the order of the rows."""
    return {
        "field": field,
        "type": "nominal",
        "sort": list(dict.fromkeys(row[place] for row in rows)),
        "title": title,
        "axis": {"labelLimit": 220, "labelOverlap": False},
    }


def series(field: str, values: Sequence[Cell], *channels: str) -> Spec:
    """Return the encodings that tell series apart, by more than their colour."""
    domain = list(dict.fromkeys(values))
    shared: Spec = {"field": field, "type": "nominal", "sort": domain, "title": None}
    if len(domain) == 1:
        shared["legend"] = None  # there is nothing to tell apart
    ranges: Mapping[str, Spec] = {
        "shape": {"range": ["circle", "diamond", "square", "triangle-up", "cross", "triangle-down"]},
        "strokeDash": {"range": [[1, 0], [6, 3], [2, 2], [8, 2, 2, 2]]},
    }
    return {each: {**shared, "scale": {"domain": domain, **ranges.get(each, {})}} for each in channels}


def without_legend(channel: Spec) -> Spec:
    """Return the encoding of a channel that has its legend elsewhere, or needs none."""
    return {**channel, "legend": None}


def tooltip(columns: Sequence[str]) -> list[Spec]:
    """Return the encoding that shows all numbers of the mark under the pointer."""
    return [{"field": column, "title": column} for column in columns]


def rule_at(channel: str, value: float, scale: Spec | None = None) -> Spec:
    """Return a thin line at a value, such as 1 for the baseline's speed, on the scale of what it crosses."""
    place = {"datum": value, "scale": scale or {"zero": False}}
    return {"mark": {"type": "rule", "strokeDash": [2, 3], "opacity": 0.7}, "encoding": {channel: place}}


def rows_height(names: Sequence[Cell]) -> int:
    """Return the height of a chart with a row for each name."""
    return FRAME_HEIGHT + ROW_HEIGHT * len(set(names))


def curves(
    x: Spec, y: Spec, columns: Sequence[str], series_: Spec, *channels: str, is_joined: bool = True
) -> list[Spec]:
    """Return a rule at 1, and for each series its points with `low` and `high`, and a line with these channels.

    Without a line, where the places along x have no order, the series stand side by side.
    """
    lines = {each: series_[each] for each in channels}
    points = {each: encoding for each, encoding in series_.items() if each != "strokeDash"}
    joined = {"mark": {"type": "line", "strokeWidth": 1.5}, "encoding": {"x": x, "y": y, **lines}}
    marks = intervals(x, y, columns, "low", "high", points, across=False)
    if not is_joined and len(points["color"]["sort"]) > 1:
        marks["encoding"]["xOffset"] = {key: points["color"][key] for key in ("field", "type", "sort")}
    return [rule_at("y", 1, y["scale"]), *([joined] if is_joined else []), marks]


def intervals(x: Spec, y: Spec, columns: Sequence[str], low: str, high: str, series_: Spec, across: bool) -> Spec:
    """Return points with their intervals; `across` is whether they lie along the x axis."""
    along, end = ("x", "x2") if across else ("y", "y2")
    colour = {key: value for key, value in series_.items() if key == "color"}
    span = {
        "mark": {"type": "rule", "strokeWidth": 1.5},
        "encoding": {along: {**(x if across else y), "field": low}, end: {"field": high}, **colour},
    }
    point = {"mark": POINT, "encoding": {**series_, "tooltip": tooltip(columns)}}
    if JUDGED in columns:
        is_pale = {"test": f"datum['{JUDGED}'] === '{NOT_JUDGED}'", "value": 0.35}
        for each in (span, point):
            each["encoding"]["opacity"] = {"condition": is_pale, "value": 1}
    return {"encoding": {"x": x, "y": y}, "layer": [span, point]}
