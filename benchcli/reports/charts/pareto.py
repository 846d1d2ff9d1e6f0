"""Draw top-1 error against time, with the Pareto front."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.front import Place, pareto_front
from benchcli.analysis.published import top1_error
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import FamilyResult, Record

TIME, ERROR = "time ms", "top-1 error %"
COLUMNS = ("network", TIME, "low", "high", ERROR, "Pareto front")
PLACES: dict[Place, str] = {"on": "on the front", "near": "undecided", "off": "behind the front"}


class Pareto(Chart):
    """A figure for each setting of each run that has networks with an error."""

    name = "pareto"
    shows = "time against top-1 error, with the Pareto front"
    after = "axis"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of runs and settings."""
        for run in runs:
            for setting, records in _by_setting(run.report.results).items():
                places = pareto_front(records)
                if places:
                    shown = [record for record in records if record.key in places]
                    yield _figure(" · ".join(filter(None, (run.label, setting))), shown, places)


def _by_setting(results: Sequence[FamilyResult]) -> dict[str, list[Record]]:
    """Return the networks that a front compares, by what tells their settings apart."""
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
    by_name = {record.variant.name: record for record in records}  # a network of two groups stands once
    rows = sorted((_row(record, places[record.key]) for record in by_name.values()), key=lambda row: float(row[1] or 0))
    return Figure(
        key=records[0].family.catalogue or "custom",
        title=f"Time and top-1 error{f' ({setting})' if setting else ''}",
        text="Networks nearer to the lower left corner are faster and more accurate. The line joins those for which no "
        "other is as accurate and certainly or possibly faster.",
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(),
    )


def _row(record: Record, place: Place) -> tuple[Cell, ...]:
    seconds = record.timing.seconds if record.timing else None
    return record.variant.name, *grammar.ends(seconds, 1e3), top1_error(record), PLACES[place]


def _spec() -> grammar.Spec:
    x, y = grammar.number(TIME), grammar.number(ERROR)
    on = {"filter": {"field": "Pareto front", "equal": PLACES["on"]}}
    front = {
        "transform": [on],
        "mark": {"type": "line", "interpolate": "step-after", "strokeWidth": 1.5, "opacity": 0.8},
        "encoding": {"x": x, "y": y, "order": {"field": TIME}},
    }
    series = grammar.series("Pareto front", list(PLACES.values()), "color", "shape")
    points = grammar.intervals(x, y, COLUMNS, "low", "high", series, across=True)
    return {"height": 340, "layer": [front, points, _names(x, y, on)]}


def _names(x: grammar.Spec, y: grammar.Spec, on: grammar.Spec) -> grammar.Spec:
    """Return the names of the networks on the front, slanted, so that those of neighbours run side by side."""
    return {
        "transform": [on],
        "mark": {"type": "text", "align": "left", "angle": -35, "dx": 7, "dy": -3, "limit": 140, "fontSize": 10},
        "encoding": {"x": x, "y": y, "text": {"field": "network"}},
    }


CHARTS.add(Pareto())
