"""Draw each guideline's verdicts as a panel: the speeds of all its scales, on an axis that all panels share."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.verdicts import Verdict, verdicts_of
from benchcli.grouping import groups
from benchcli.reports.charts import grammar
from benchcli.reports.charts.axis import COLUMNS, HERE, PAPER, SHORT, measured, published
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.reports.views.guideline_table import in_brief
from benchcli.runs.rows import Cell
from benchcli.schema import FamilyResult
from benchcli.workloads.guidelines.base import EXPERIMENTS

MOST_SERIES = 8
"""The most families of a guideline that a panel has: the first ones."""


class Panels(Chart):
    """A panel for each guideline of a run; none for several runs."""

    name = "verdicts"
    shows = "each guideline's verdicts, on common axes"
    after = "history"
    heading = "Verdicts"
    is_overview = True

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the panels in the order of the guidelines."""
        results = [each for run in runs if len(runs) == 1 for each in run.report.results if each.family.guideline]
        by_guideline = groups(results, lambda result: result.family.guideline)
        rows = {name: _rows(of[:MOST_SERIES]) for name, of in by_guideline.items()}
        most = max((float(end) for of in rows.values() for row in of for end in (row[2], row[4]) if end), default=1.0)
        judged = groups((each for run in runs for each in verdicts_of(run.report)), lambda verdict: verdict.guideline)
        for name in (each for each in by_guideline if each in judged):
            yield _panel(name, judged[name], rows[name], [0, round(most * 1.05, 2)])


def _rows(results: Sequence[FamilyResult]) -> list[tuple[Cell, ...]]:
    """Return the measured speeds of each family, and the paper's beside them if there is one family."""
    rows = [measured(_series(result, results), record) for result in results for record in result.records]
    return [*rows, *published(results[0].records)] if len(results) == 1 else rows


def _series(result: FamilyResult, results: Sequence[FamilyResult]) -> str:
    """Return the name of a family's series: its scale, if that tells it from the others, as a rule."""
    if len(results) == 1:
        return HERE
    scales = [each.family.scale for each in results]
    return f"×{result.family.scale}" if len(set(scales)) == len(scales) else result.family.name


def _panel(name: str, judged: Sequence[Verdict], rows: Sequence[tuple[Cell, ...]], domain: list[float]) -> Figure:
    guideline = EXPERIMENTS[name]
    lines = "; the paper's figures are a line of their own" if any(row[1] == PAPER for row in rows) else ""
    return Figure(
        title=f"{name.upper()} {in_brief(judged)}",
        text=f"The guideline says that {guideline.claim}. Speed is relative to {rows[0][0]}{lines}."
        + grammar.pale(rows),
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows, guideline.axis, guideline.is_series, domain),
    )


def _spec(rows: Sequence[tuple[Cell, ...]], axis: str, is_series: bool, domain: list[float]) -> grammar.Spec:
    x, y = grammar.name("network", rows, 0, axis), grammar.number("relative speed")
    y["scale"] = {"domain": domain, "nice": False}
    if max(len(str(row[0])) for row in rows) <= SHORT:
        x["axis"]["labelAngle"] = 0
    else:
        x["axis"] |= {"labelAngle": -30, "labelLimit": 95}
    series = grammar.series("series", [row[1] for row in rows], "color", "shape", "strokeDash")
    return {"height": 170, "layer": grammar.curves(x, y, COLUMNS, series, *series, is_joined=is_series)}


CHARTS.add(Panels())
