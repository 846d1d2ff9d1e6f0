"""Draw what following the guidelines would win of a network's time, with intervals."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from benchcli.reports.charts import grammar
from benchcli.reports.charts.base import CHARTS, Chart, DrawnAudit
from benchcli.reports.page import Figure
from benchcli.runs.rows import Cell

if TYPE_CHECKING:
    from benchcli.analysis.audit_findings import AuditFinding

COLUMNS = ("change", "outcome", "gain %", "low %", "high %", "share %")
COLOURS = {"gain": "#2a9150", "loss": "#d0404e", "no gain": "#8a939c"}
UNSURE = "#c98a1b"
MOST_ROWS = 30
"""The most changes that are drawn, those of the largest gain."""


class Gains(Chart):
    """A figure of the gains that an audit measured."""

    name = "gains"
    shows = "the gains that an audit measured, with their intervals"
    after = "changes"
    heading = "What would help"
    is_overview = True

    def of_audit(self, audit: DrawnAudit) -> Iterator[Figure]:
        """Yield the figure; none without a gain."""
        rows = [_row(each) for each in audit.findings if each.gain][:MOST_ROWS]
        if rows:
            yield Figure(
                title="Share of the network's time that each change would win",
                text="Right of 0 % the change makes the network faster. Lines are 95 % intervals; several gains may be "
                "of the same layers.",
                columns=COLUMNS,
                rows=tuple(rows),
                spec=_spec(rows),
                is_wide=True,
            )


def _row(finding: "AuditFinding") -> tuple[Cell, ...]:
    place = finding.places[0] or "the network"
    rest = f" and {len(finding.places) - 1} more" if len(finding.places) > 1 else ""
    name = f"{finding.audit}: {place}{rest}"
    return name, finding.judgement, *grammar.ends(finding.gain, 100), grammar.drawn(finding.share.estimate, 100)


def _spec(rows: Sequence[tuple[Cell, ...]]) -> grammar.Spec:
    x, y = grammar.number("gain %", zero=True), grammar.name("change", rows, 0)
    series = grammar.series("outcome", [row[1] for row in rows], "color", "shape")
    series["color"]["scale"]["range"] = [COLOURS.get(str(each), UNSURE) for each in series["color"]["sort"]]
    points = grammar.intervals(x, y, COLUMNS, "low %", "high %", series, across=True)
    return {
        "height": grammar.rows_height([row[0] for row in rows]),
        "layer": [grammar.rule_at("x", 0, x["scale"]), points],
    }


CHARTS.add(Gains())
