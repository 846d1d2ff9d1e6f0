"""Draw relative speed along a guideline's axis, with the paper's curve beside it."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.paper_effect import paper_speed
from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, LabelledRun, families_of
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell
from benchcli.schema import Family, FamilyResult, Record
from benchcli.workloads.guidelines.base import EXPERIMENTS

HERE, PAPER = "this machine", "paper"
SHORT = 6
"""The most letters of names that stand side by side."""
COLUMNS = ("network", "series", "relative speed", "low", "high", grammar.JUDGED)


class Axis(Chart):
    """One figure for each family of a guideline; several runs are several series."""

    name = "axis"
    shows = "relative speed along a guideline's axis, here and in the paper"
    after = "settings"

    def figures(self, runs: Sequence[LabelledRun]) -> Iterator[Figure]:
        """Yield the figures in the order of the first run's families."""
        for family in families_of(runs):
            if family[0][1].family.guideline:
                yield _figure(family)


def _figure(results: Sequence[tuple[str, FamilyResult]]) -> Figure:
    first = results[0][1]
    family = first.family
    rows = [measured(label or HERE, record) for label, result in results for record in result.records]
    rows += published(first.records)
    guideline = EXPERIMENTS[family.guideline]
    return Figure(
        key=family.guideline,
        title=f"{family.guideline.upper()} {_setting(family)}: speed by {guideline.axis}",
        text=f"The guideline says that {guideline.claim}. Speed is relative to {family.baseline}, with 95 % intervals"
        + ("; the paper's figures are a line of their own." if any(row[1] == PAPER for row in rows) else ".")
        + grammar.pale(rows),
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows, guideline.axis, guideline.is_series),
    )


def _setting(family: Family) -> str:
    usual = f"{family.guideline}-x{family.scale}"
    return f"×{family.scale}" if family.name == usual else f"×{family.scale} ({family.name})"


def measured(label: str, record: Record) -> tuple[Cell, ...]:
    """Return the row of a measured relative speed; the baseline's is 1, without an interval."""
    if record.timing and record.variant.name == record.family.baseline:
        return record.variant.name, label, 1.0, None, None, grammar.judged(record)
    relative = grammar.ends(record.timing.relative if record.timing else None)
    return record.variant.name, label, *relative, grammar.judged(record)


def published(records: Sequence[Record]) -> list[tuple[Cell, ...]]:
    """Return the rows of the paper's relative speeds; none where it has none."""
    speeds = [(record.variant.name, paper_speed(record)) for record in records]
    return [(name, PAPER, grammar.drawn(speed), None, None, "") for name, speed in speeds if speed is not None]


def _spec(rows: Sequence[tuple[Cell, ...]], axis: str, is_series: bool) -> grammar.Spec:
    x, y = grammar.name("network", rows, 0, axis), grammar.number("relative speed")
    if max(len(str(row[0])) for row in rows) <= SHORT:
        x["axis"]["labelAngle"] = 0
    series = grammar.series("series", [row[1] for row in rows], "color", "shape", "strokeDash")
    return {"height": 220, "layer": grammar.curves(x, y, COLUMNS, series, *series, is_joined=is_series)}


CHARTS.add(Axis())
