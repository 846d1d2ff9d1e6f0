"""Draw top-1 error against time, with the Pareto front."""

import json
from collections.abc import Iterator, Sequence

from benchcli.analysis.front import Place, pareto_front
from benchcli.analysis.published import top1_error
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.charts.label_places import LabelPlace, places, steps, thick
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import FamilyResult, Record

TIME, ERROR = "time ms", "top-1 error %"
COLUMNS = ("network", TIME, "low", "high", ERROR, "rank", "Pareto front")
PLACES: dict[Place, str] = {
    "on": "on the front",
    "near": "undecided",
    "off": "behind the front",
    "not judged": "not judged",
}
WIDTH, NARROW_WIDTH, HEIGHT = 840.0, 280.0, 380.0
"""The widths in pixels for which names and ranks are placed, and the height."""
NARROW = 600
"""The width in pixels below which points have their rank by time in place of the name."""
LEAST = 3
"""The fewest networks of which there is something to see."""
COLOURS: dict[str, str] = {
    PLACES["on"]: "#1f83c4",
    PLACES["near"]: "#c96a1b",
    PLACES["off"]: "#8a939c",
    PLACES["not judged"]: "#9a6fb0",
}
"""Colours that can be told from each other on a light and on a dark page."""
MARGIN = 0.05
"""The room around the points, as a share of what they span."""


class Pareto(Chart):
    """A figure for each setting of each run that has networks with an error."""

    name = "pareto"
    shows = "time against top-1 error, with the Pareto front"
    after = "axis"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of runs and settings."""
        for run in runs:
            for setting, records in by_setting(run.report.results).items():
                places = pareto_front(records)
                if len({name for _, name in places}) >= LEAST:
                    yield _figure(" · ".join(filter(None, (run.label, setting))), records, places)


def by_setting(results: Sequence[FamilyResult]) -> dict[str, list[Record]]:
    """Return the networks that can be compared, by what tells their settings apart."""
    records = [each for result in results if not result.family.guideline for each in result.records]
    settings = [(each.family.inputs, each.family.threads) for each in records]
    names = [
        f"batch {i['batch']} {i['dtype']} {i['layout']} {i['step']}{f' {t} threads' if t else ''}" for i, t in settings
    ]
    by_setting: dict[str, list[Record]] = {}
    for name, record in zip(names, records, strict=True):
        by_setting.setdefault(name if len(set(names)) > 1 else "", []).append(record)
    return by_setting


def _figure(setting: str, records: Sequence[Record], places: dict[tuple[str, str], Place]) -> Figure:
    by_name = {record.variant.name: record for record in records if record.key in places}  # one of two groups once
    timed = sorted(
        (_row(record, places[record.key]) for record in by_name.values()), key=lambda row: float(row[1] or 0)
    )
    rows = [(*row[:-1], number, row[-1]) for number, row in enumerate(timed, 1)]
    return Figure(
        key=records[0].family.catalogue or "custom",
        title=f"Time and top-1 error{f' ({setting})' if setting else ''}",
        text="Networks nearer to the lower left corner are faster and more accurate. The line joins those for which no "
        f"other is as accurate and certainly or possibly faster.{_without_error(records)}",
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows),
        is_wide=True,
    )


def _without_error(records: Sequence[Record]) -> str:
    """Return a sentence that lists the networks without an error value; empty if there are none."""
    names = dict.fromkeys(each.variant.name for each in records if each.timing and top1_error(each) is None)
    return f" Not drawn, because their error is not known: {', '.join(names)}." if names else ""


def _row(record: Record, place: Place) -> tuple[Cell, ...]:
    seconds = record.timing.seconds if record.timing else None
    return record.variant.name, *grammar.ends(seconds, 1e3), top1_error(record), PLACES[place]


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    x, y = grammar.number(TIME), grammar.number(ERROR)
    x["scale"], y["scale"] = ({"domain": _around([row[place] for row in rows]), "nice": False} for place in (1, 4))
    front = {
        "transform": [{"filter": {"field": "Pareto front", "equal": PLACES["on"]}}],
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5, "opacity": 0.8},
        "encoding": {"x": x, "y": y, "order": {"field": TIME}},
    }
    series = by_place([place for place in PLACES.values() if place in {row[-1] for row in rows}])
    points = grammar.intervals(x, y, COLUMNS, "low", "high", series, across=True)
    return {"height": HEIGHT, "layer": [front, points, _names(rows, x, y)]}


def by_place(places: Sequence[str]) -> grammar.Spec:
    """Return the encodings that tell networks apart by their place; what has no place is as what is off the front."""
    series = grammar.series("Pareto front", places, "color", "shape")
    series["color"]["scale"]["range"] = [COLOURS.get(place, COLOURS[PLACES["off"]]) for place in places]
    return series


def _around(numbers: Sequence[Cell]) -> list[float]:
    """Return the ends of an axis with some room around its numbers."""
    least, most = (float(of(float(each or 0) for each in numbers)) for of in (min, max))
    room = MARGIN * (most - least or most or 1.0)
    return [least - room, most + room]


def _names(rows: Sequence[tuple[Cell, ...]], x: grammar.Spec, y: grammar.Spec) -> grammar.Spec:
    """Return the names of all networks beside their points, or their ranks in a chart that is too narrow for names."""
    domains = (x["scale"]["domain"], y["scale"]["domain"])
    names = _places(rows, [str(row[0]) for row in rows], domains, WIDTH)
    ranks = _places(rows, [str(row[5]) for row in rows], domains, NARROW_WIDTH)

    def by_rank(name: str) -> grammar.Spec:
        wide, narrow = (json.dumps([getattr(place, name) for place in of]) for of in (names, ranks))
        return {"expr": f"(width < {NARROW} ? {narrow} : {wide})[datum.rank - 1]"}

    where = {name: by_rank(name) for name in ("dx", "dy", "align")}
    text = {"expr": f"width < {NARROW} ? toString(datum.rank) : datum.network"}
    mark = {"type": "text", "baseline": "middle", "fontSize": 10, "text": text, **where}
    return {"mark": mark, "encoding": {"x": x, "y": y}}


def _places(
    rows: Sequence[tuple[Cell, ...]], labels: Sequence[str], domains: tuple[list[float], list[float]], width: float
) -> list[LabelPlace]:
    """Return the places of labels in a chart of a width, where they cover neither points nor lines."""
    (left, right), (bottom, top) = domains

    def at(time: Cell, error: Cell) -> tuple[float, float]:
        across, down = (float(time or 0) - left) / (right - left), (top - float(error or 0)) / (top - bottom)
        return width * across, HEIGHT * down

    points = [at(row[1], row[4]) for row in rows]
    intervals = [(*at(row[2] or row[1], row[4]), *at(row[3] or row[1], row[4])) for row in rows]
    front = steps([point for point, row in zip(points, rows, strict=True) if row[-1] == PLACES["on"]])
    return places(points, labels, (width, HEIGHT), [*front, *map(thick, intervals)])


CHARTS.add(Pareto())
