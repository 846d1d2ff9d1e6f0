"""Draw the changes in time that a check found, with their intervals and thresholds."""

from collections.abc import Iterator, Sequence

from benchcli.checks.findings import Finding
from benchcli.checks.session import CheckReport
from benchcli.reports.charts import grammar, launches, samples
from benchcli.reports.charts.base import MOST_FIGURES, samples_in
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell

KIND = "changes"
COLUMNS = ("network", "outcome", "change %", "low %", "high %", "threshold %")
MOST_ROWS = 60
"""The most networks that are drawn: the most important ones."""


def figures(report: CheckReport) -> Iterator[Figure]:
    """Yield the figure of a check's findings on time, then those of its samples and launches; none without times."""
    timed = [finding for finding in report.findings if finding.subject == "time" and finding.change]
    if not timed:
        return
    yield _changes(timed)
    check = report.environment.check
    observed = samples_in(report.folder) if report.folder and check and not check.baseline else {}
    pairs = [(finding.where, observed[finding.where]) for finding in timed if finding.where in observed][:MOST_FIGURES]
    for chart in (samples, launches):
        yield from (chart.figure(where, sorted({each.variant for each in own}), own) for where, own in pairs)


def _changes(timed: Sequence[Finding]) -> Figure:
    rows = [_row(finding) for finding in timed[:MOST_ROWS]]
    return Figure(
        kind=KIND,
        key=KIND,
        title="Change in time of each network",
        text="Above 0 % head is slower than base. Lines are 95 % intervals, and ticks the thresholds that they must "
        "exceed." + (f" The first {MOST_ROWS} of {len(timed)} networks." if len(timed) > MOST_ROWS else ""),
        columns=COLUMNS,
        rows=tuple(rows),
        spec=_spec(rows),
    )


def _row(finding: Finding) -> tuple[Cell, ...]:
    change, judgement = finding.change, finding.judgement
    ends = (change.estimate, change.low, change.high) if change else (None, None, None)
    threshold = judgement.threshold if judgement else None
    shifted = (grammar.drawn(None if each is None else each - 1, 100) for each in (*ends, threshold))
    return finding.where, finding.outcome, *shifted


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    x, y = grammar.number("change %", zero=True), grammar.name("network", rows, 0)
    told_apart = grammar.series("outcome", [row[1] for row in rows], "color", "shape")
    points = grammar.intervals(x, y, COLUMNS, "low %", "high %", told_apart, across=True)
    bound = {
        "mark": {"type": "tick", "thickness": 1.5, "opacity": 0.7},
        "encoding": {"x": {**x, "field": "threshold %"}, "y": y},
    }
    return {
        "height": grammar.rows_height([row[0] for row in rows]),
        "layer": [grammar.rule_at("x", 0, x["scale"]), bound, points],
    }
