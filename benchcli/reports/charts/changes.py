"""Draw the changes in time that a check measured, with their intervals and thresholds."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, DrawnCheck
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell

if TYPE_CHECKING:
    from benchcli.checks.findings import Finding

COLUMNS = ("network", "outcome", "change %", "low %", "high %", "threshold %")
COLOURS = {"slower": "#d0404e", "faster": "#2a9150", "same": "#8a939c"}
UNSURE = "#c98a1b"
"""Colours of outcomes, which can be told from each other on a light and on a dark page."""
MOST_ROWS = 60
"""The most networks that are drawn: the most important ones."""


class Changes(Chart):
    """A figure of all networks of a check that have a time."""

    name = "changes"
    shows = "the changes in time that a check measured, with their thresholds"
    after = "layers"
    heading = "Changes in time"
    is_overview = True

    def of_check(self, check: DrawnCheck) -> Iterator[Figure]:
        """Yield the figure; none without times."""
        rows = [_row(finding) for finding in check.timed[:MOST_ROWS]]
        left_out = f" The first {MOST_ROWS} of {len(check.timed)} networks." if len(check.timed) > MOST_ROWS else ""
        if rows:
            yield Figure(
                title="Change in time of each network",
                text="Above 0 % head is slower than base. Lines are 95 % intervals, and ticks the thresholds that they "
                f"must exceed.{left_out}",
                columns=COLUMNS,
                rows=tuple(rows),
                spec=_spec(rows),
                is_wide=True,
            )


def _row(finding: "Finding") -> tuple[Cell, ...]:
    change, judgement = finding.change, finding.judgement
    ends = (change.estimate, change.low, change.high) if change else (None, None, None)
    threshold = judgement.threshold if judgement else None
    shifted = (grammar.drawn(None if each is None else each - 1, 100) for each in (*ends, threshold))
    return finding.where, finding.outcome, *shifted


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    x, y = grammar.number("change %", zero=True), grammar.name("network", rows, 0)
    series = grammar.series("outcome", [row[1] for row in rows], "color", "shape")
    series["color"]["scale"]["range"] = [COLOURS.get(str(each), UNSURE) for each in series["color"]["sort"]]
    points = grammar.intervals(x, y, COLUMNS, "low %", "high %", series, across=True)
    bound = {
        "mark": {"type": "tick", "thickness": 1.5, "opacity": 0.7},
        "encoding": {"x": {**x, "field": "threshold %"}, "y": y},
    }
    return {
        "height": grammar.rows_height([row[0] for row in rows]),
        "layer": [grammar.rule_at("x", 0, x["scale"]), bound, points],
    }


CHARTS.add(Changes())
