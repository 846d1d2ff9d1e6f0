"""Draw how the times of networks changed from run to run of one suite."""

from collections.abc import Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.run_history import CHANGE, TimeInRun, history
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Key

COLUMNS = ("run", "network", "time ms", "time relative to the first", "low", "high", "change since the run before")
CHANGED, SAME = "changed", "within 5 %"


class History(Chart):
    """A figure for each family of three runs or more; two runs are compared, and have no history."""

    name = "history"
    shows = "several runs over time, with changes marked"
    heading = "History"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the families. The runs are in the order of time."""
        if len(runs) < 3:
            return
        families: dict[str, dict[Key, list[TimeInRun]]] = {}
        for key, times in history([run.report for run in runs]).items():
            families.setdefault(key[0], {})[key] = times
        for family, networks in families.items():
            rows = [_row(runs, each) for times in networks.values() for each in times]
            count = sum(each.has_changed for times in networks.values() for each in times)
            yield Figure(
                title=f"History of {family}",
                text="Time in each run relative to the first, with 95 % intervals. A ring and a label mark a change "
                f"of certainly more than {formatting.percent(CHANGE)} since the run before: {count or 'none'}.",
                columns=COLUMNS,
                rows=tuple(rows),
                spec=_spec(rows),
            )


def _row(runs: Sequence[LabelledRun], time: TimeInRun) -> tuple[Cell, ...]:
    timing = time.record.timing
    change = formatting.change(time.since_last) if time.has_changed and time.since_last else None
    relative = grammar.ends(time.since_first) if time.since_first else (1.0 if timing else None, None, None)
    return (
        runs[time.run].label,
        time.record.variant.name,
        grammar.drawn(timing.seconds.estimate, 1e3) if timing else None,
        *relative,
        change,
    )


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    x = {**grammar.name("run", rows, 0), "axis": {"labelAngle": -30, "labelLimit": 140}}
    y = grammar.number(COLUMNS[3])
    series = grammar.series("network", [row[1] for row in rows], "color", "shape")
    is_changed = [{"filter": f"isValid(datum['{COLUMNS[6]}'])"}]
    marks = {
        "transform": is_changed,
        "mark": {"type": "point", "size": 220, "strokeWidth": 2, "filled": False, "shape": "circle"},
        "encoding": {"x": x, "y": y, "color": series["color"]},
    }
    labels = {
        "transform": [*is_changed, {"calculate": f"split(datum['{COLUMNS[6]}'], ' (')[0]", "as": "label"}],
        "mark": {"type": "text", "dy": -16, "fontSize": 11, "fontWeight": "bold"},
        "encoding": {"x": x, "y": y, "text": {"field": "label"}},
    }
    return {"height": 240, "layer": [*grammar.curves(x, y, COLUMNS, series, "color"), marks, labels]}


CHARTS.add(History())
