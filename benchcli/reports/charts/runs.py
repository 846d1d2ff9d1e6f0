"""Draw how the times of each run differ from those of the first one."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.comparison import Row, compare
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell

COLUMNS = ("network", "run", "change %", "low %", "high %")
MOST_ROWS = 40
"""The most networks that are drawn: those of the most certain changes."""
MOST_RUNS = 26
"""The most runs that are drawn."""
MEAN = "geometric mean"


class ChangesByRun(Chart):
    """A figure of all networks of two runs and more."""

    name = "runs"
    shows = "how the times of several runs differ from the first one's"
    after = "history"
    heading = "Runs compared"
    is_overview = True

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figure; none if no network is in two runs."""
        if not 2 <= len(runs) <= MOST_RUNS:
            return
        comparison = compare([run.report for run in runs])
        compared = [row for row in comparison.rows if any(row.changes[1:])]
        labels = [run.label for run in runs]
        rows: list[tuple[Cell, ...]] = [
            (MEAN, label, grammar.drawn(mean - 1, 100), None, None)
            for label, mean in list(zip(labels, comparison.means, strict=True))[1:]
            if mean and len(compared) > 1
        ]
        rows += [each for row in compared[:MOST_ROWS] for each in _changes(row, labels)]
        left_out = f" The first {MOST_ROWS} of {len(compared)} networks." if len(compared) > MOST_ROWS else ""
        if rows:
            yield Figure(
                title=f"Change in time since {labels[0]}",
                text=f"Above 0 % a run took longer than {labels[0]}. Lines are 95 % intervals, which do not know how "
                f"the machine changed in between.{left_out}",
                columns=COLUMNS,
                rows=tuple(rows),
                spec=_spec(rows, labels[1:]),
                is_wide=True,
            )


def _changes(row: Row, labels: Sequence[str]) -> Iterator[tuple[Cell, ...]]:
    for label, change in list(zip(labels, row.changes, strict=True))[1:]:
        ends = (change.estimate, change.low, change.high) if change else (None, None, None)
        yield (
            f"{row.family}/{row.variant}",
            label,
            *(grammar.drawn(None if each is None else each - 1, 100) for each in ends),
        )


def _spec(rows: Sequence[tuple[Cell, ...]], labels: Sequence[str]) -> grammar.Spec:
    x, y = grammar.number("change %", zero=True), grammar.name("network", rows, 0)
    series = grammar.series("run", list(labels), "color", "shape")
    points = grammar.intervals(x, y, COLUMNS, "low %", "high %", series, across=True)
    if len(labels) > 1:
        points["encoding"]["yOffset"] = {"field": "run", "type": "nominal", "sort": list(labels)}
    height = grammar.rows_height([row[0] for row in rows]) * (2 if len(labels) > 2 else 1)
    return {"height": height, "layer": [grammar.rule_at("x", 0, x["scale"]), points]}


CHARTS.add(ChangesByRun())
