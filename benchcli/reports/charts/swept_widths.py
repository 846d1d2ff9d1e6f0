"""Draw the speed of a multiply-add over the widths of a sweep: lines, and a map of them."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.sweep_findings import points_of
from benchcli.grouping import groups
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import FamilyResult

SPEED = "speed of a multiply-add"
COLUMNS = ("width", "line", SPEED, "low", "high", "advice")
LEAST_LINES = 2
"""The fewest lines of a map."""


class SweptWidths(Chart):
    """A figure of the lines of each axis, and a map where there are several; none for several runs."""

    name = "sweep"
    shows = "the speed of a multiply-add at each width of a sweep"
    after = "settings"
    is_overview = True

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the axes."""
        results = runs[0].report.results if len(runs) == 1 else ()
        swept = [result for result in results if result.family.swept_axis]
        for axis, of in groups(swept, lambda result: result.family.swept_axis).items():
            rows = [row for result in of for row in _rows(axis, result)]
            if rows:
                yield _figure(f"Speed of a multiply-add over {axis}", rows, _lines(axis, rows))
                if len(of) >= LEAST_LINES:
                    yield _figure(f"Map of the speed of a multiply-add over {axis}", rows, _map(axis, rows))


def _rows(axis: str, result: FamilyResult) -> Iterator[tuple[Cell, ...]]:
    for point in points_of(result.family.name, axis, result.records):
        if point.rate:
            yield point.value, point.line, *grammar.ends(point.rate), point.advice


def _figure(title: str, rows: Sequence[tuple[Cell, ...]], spec: grammar.Spec) -> Figure:
    return Figure(
        title=title,
        text="The speed of a multiply-add at each width, relative to the fastest of its line, with 95 % intervals: "
        "steps are those of alignment, and lasting falls those of caches.",
        columns=COLUMNS,
        rows=tuple(rows),
        spec=spec,
        is_wide=True,
    )


def _lines(axis: str, rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    x, y = grammar.number("width", title=axis), grammar.number(SPEED)
    series = grammar.series("line", [row[1] for row in rows], "color", "shape")
    return {"height": 260, "layer": grammar.curves(x, y, COLUMNS, series, "color")}


def _map(axis: str, rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    widths = sorted({int(row[0]) for row in rows if row[0] is not None})
    x = {"field": "width", "type": "ordinal", "title": axis, "sort": widths, "axis": {"labelOverlap": True}}
    colour = {"field": SPEED, "type": "quantitative", "scale": {"scheme": "viridis"}, "title": SPEED}
    return {
        "height": grammar.rows_height([row[1] for row in rows]),
        "mark": "rect",
        "encoding": {
            "x": x,
            "y": {**grammar.name("line", rows, 1)},
            "color": colour,
            "tooltip": grammar.tooltip(COLUMNS),
        },
    }


CHARTS.add(SweptWidths())
