"""Lay out the table of a guideline: its families one below the other, and its verdicts."""

from collections.abc import Sequence

from benchcli import formatting
from benchcli.analysis.verdicts import Verdict
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.report.page import Table
from benchcli.report.views import cells
from benchcli.schema import FamilyResult, Record
from benchcli.workloads.guidelines.base import GUIDELINES, SIZE
from benchcli.workloads.guidelines.family import paper_column


def table(name: str, results: Sequence[FamilyResult], verdicts: Sequence[Verdict]) -> Table:
    """Return the table of one guideline."""
    guideline = GUIDELINES[name]
    extra = cells.differing(results)
    records = cells.records_of(results)
    mine = {result.family.name: _published(result.records[-1]) for result in results}
    return Table(
        title=f"{name.upper()}  {guideline.claim}",
        words=len(extra) + 2,
        columns=("scale", *extra, guideline.axis, "channels", *cells.COUNTED, *cells.TIMED, "paper"),
        rows=tuple(_row(record, extra) for record in records),
        lines=(
            *(_verdict_line(verdict, mine[verdict.family]) for verdict in verdicts if verdict.family in mine),
            *cells.warning_lines(records),
        ),
    )


def _row(record: Record, extra: Sequence[str]) -> tuple[str, ...]:
    return (
        f"×{record.family.scale}",
        *cells.settings(record.family, extra),
        record.variant.name,
        record.variant.channels,
        *cells.costs(record),
        *cells.time(record),
        cells.paper_speed(_published(record), record),
    )


def _published(record: Record) -> float | None:
    """Return the paper's relative speed; None unless channels, size and batch are the paper's."""
    family = record.family
    if not family.widths.startswith("paper") or record.variant.shape[-1] != SIZE or family.batch != 1:
        return None
    column = paper_column(family.widths, DEVICES[split_name(record.target.device)[0]].column)
    return GUIDELINES[family.guideline].paper_relative_speed(record.variant.name, column, family.scale)


def _verdict_line(verdict: Verdict, published: float | None) -> str:
    where = verdict.scale if verdict.family == f"{verdict.guideline}-x{verdict.scale[1:]}" else verdict.family
    if verdict.relative is None:
        return f"{where} {verdict.outcome}: {verdict.advice}"
    measured = f"{verdict.variant} runs at {formatting.speed(verdict.relative)} of the speed of {verdict.baseline}"
    paper = f" (paper {published:.3f})" if published else ""
    bound = f" (threshold {formatting.percent(verdict.threshold)})" if verdict.outcome != "holds" else ""
    advice = f"; {verdict.advice}" if verdict.advice else ""
    return f"{where} {verdict.outcome}: {measured}{paper}{bound}{advice}"
