"""Rank networks by time, and say which of them are on the Pareto front."""

from collections.abc import Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.front import Place, pareto_front
from benchcli.analysis.published import top1_error
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.charts.pareto import PLACES, TIME, by_place, by_setting
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Key, Record

RANKED, NO_ERROR, NO_FRONT = "rank and network", "no error value", "no other error value"
COLUMNS = (RANKED, TIME, "low", "high", "Pareto front", "label")
MOST_ROWS = 40
"""The most networks that are drawn: the fastest ones."""
NARROW = 640
"""The width in pixels below which the labels have times alone."""
MOST_SETTINGS = 4
"""The most settings with a ranking of their own: of more, a chart of the settings says more."""


class TimeRanking(Chart):
    """A figure for each setting of a run with two networks or more; none for several runs, or for compared settings."""

    name = "ranking"
    shows = "networks by rank of time, and which are on the Pareto front"
    after = "history"
    heading = "Ranking"
    is_overview = True

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the settings."""
        if len(runs) != 1 or any(result.family.first for result in runs[0].report.results):
            return
        settings = {name: _timed(records) for name, records in by_setting(runs[0].report.results).items()}
        ranked = {name: records for name, records in settings.items() if len(records) > 1}
        if len(ranked) <= MOST_SETTINGS:
            yield from (_figure(name, records) for name, records in ranked.items())


def _timed(records: Sequence[Record]) -> list[Record]:
    """Return each network that has a time once, the fastest first; blocks are compared within their families."""
    networks = (record for record in records if record.timing and record.family.catalogue != "blocks")
    by_name = {record.variant.name: record for record in networks}
    return sorted(by_name.values(), key=lambda record: record.timing.seconds.estimate if record.timing else 0.0)


def _figure(setting: str, records: Sequence[Record]) -> Figure:
    places = pareto_front(records)
    rows = [_row(number, record, places) for number, record in enumerate(records[:MOST_ROWS], 1)]
    left_out = f" The fastest {MOST_ROWS} of {len(records)} are drawn." if len(records) > MOST_ROWS else ""
    known = any(top1_error(record) is not None for record in records)
    front = ", with the top-1 error where it is known" if known else ""
    return Figure(
        title=f"Networks by time{f' ({setting})' if setting else ''}",
        text=f"Time of a call with its 95 % interval{front}.{left_out}",
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows),
        is_wide=True,
        for_drawing=("label",),
    )


def _row(number: int, record: Record, places: dict[Key, Place]) -> tuple[Cell, ...]:
    seconds, error = record.timing.seconds if record.timing else None, top1_error(record)
    place = places.get(record.key)
    texts = [formatting.timed(seconds) if seconds else "", f"error {error:.1f} %" if error is not None else ""]
    return (
        f"{number}  {record.variant.name}",
        *grammar.ends(seconds, 1e3),
        PLACES[place] if place else NO_ERROR if error is None else NO_FRONT,
        ", ".join(filter(None, texts)),
    )


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    x, y = grammar.number(TIME), grammar.name(RANKED, rows, 0)
    room = max((float(row[3] or row[1] or 0) for row in rows), default=1.0)
    most = {"expr": f"width < {NARROW} ? {room * 1.6:.5g} : {room * 1.25:.5g}"}  # the labels need room too
    x["scale"] = {"domainMin": 0, "domainMax": most, "nice": False}
    there = {row[4] for row in rows}
    places = [place for place in (*PLACES.values(), NO_FRONT, NO_ERROR) if place in there]
    series = by_place(places)
    bar = {
        "mark": {"type": "bar", "opacity": 0.25, "height": {"band": 0.7}},
        "encoding": {
            "x": x,
            "y": y,
            "color": series["color"],
            "tooltip": grammar.tooltip(COLUMNS),
        },
    }
    text = {"expr": f"width < {NARROW} ? split(datum.label, ',')[0] : datum.label"}
    label = {
        "mark": {"type": "text", "align": "left", "dx": 5, "fontSize": 10, "text": text},
        "encoding": {"x": {**x, "field": "high or time"}, "y": y},
    }
    points = grammar.intervals(x, y, COLUMNS, "low", "high", series, across=True)
    return {
        "height": grammar.rows_height([row[0] for row in rows]),
        "transform": [{"calculate": f"isValid(datum.high) ? datum.high : datum['{TIME}']", "as": "high or time"}],
        "layer": [bar, points, label],
    }


CHARTS.add(TimeRanking())
