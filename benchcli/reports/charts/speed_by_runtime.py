"""Draw a guideline's relative speeds within each of several runtimes, on common axes."""

from collections.abc import Iterator, Sequence

from benchcli.grouping import groups
from benchcli.reports.charts import grammar
from benchcli.reports.charts.axis import PAPER, measured, published
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun
from benchcli.reports.page import Figure
from benchcli.reports.views.settings_table import differing
from benchcli.schema import FamilyResult
from benchcli.workloads.guidelines.base import EXPERIMENTS

COLUMNS = ("network", "runtime", "relative speed", "low", "high", grammar.JUDGED)


class SpeedByRuntime(Chart):
    """A figure for each set of channels of a guideline that one run has in several runtimes."""

    name = "runtimes"
    shows = "a guideline's relative speed within each of several runtimes"
    after = "history"
    is_overview = True

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the families; none for several runs."""
        results = runs[0].report.results if len(runs) == 1 else ()
        compared = [each for each in results if each.family.guideline and each.family.first]
        for several in groups(compared, lambda each: each.family.first).values():
            if differing([record for each in several for record in each.records]) == ["runtime"]:
                yield _figure(several)


def _figure(results: Sequence[FamilyResult]) -> Figure:
    family = results[0].family
    guideline = EXPERIMENTS[family.guideline]
    rows = [measured(each.family.runtime, record) for each in results for record in each.records]
    rows += published(results[0].records)
    x, y = grammar.name("network", rows, 0, guideline.axis), grammar.number("relative speed")
    x["axis"]["labelAngle"] = 0
    series = grammar.series("runtime", [row[1] for row in rows], "color", "shape", "strokeDash")
    return Figure(
        key=family.guideline,
        title=f"{family.guideline.upper()} ×{family.scale}, {family.widths} channels: speed within each runtime",
        text=f"The guideline says that {guideline.claim}. Speed is relative to {family.baseline} in the same runtime, "
        "with 95 % intervals"
        + ("; the paper's figures are a line too." if any(row[1] == PAPER for row in rows) else ".")
        + grammar.pale(rows),
        columns=COLUMNS,
        rows=tuple(rows),
        spec={"height": 260, "layer": grammar.curves(x, y, COLUMNS, series, *series, is_joined=guideline.is_series)},
    )


CHARTS.add(SpeedByRuntime())
