"""Lay out the table of a guideline: its families one below the other, and its verdicts."""

from collections.abc import Sequence

from benchcli import formatting
from benchcli.analysis.equal_flops import EQUAL_FLOPS
from benchcli.analysis.verdicts import Verdict, extreme, paper_speed
from benchcli.reports.outcomes import sign_of
from benchcli.reports.page import Table
from benchcli.reports.views import cells
from benchcli.schema import FamilyResult, Record
from benchcli.workloads.guidelines.base import GUIDELINES


def table(name: str, results: Sequence[FamilyResult], verdicts: Sequence[Verdict]) -> Table:
    """Return the table of one guideline."""
    guideline = GUIDELINES[name]
    extra = cells.differing(results)
    records = cells.records_of(results)
    converted = cells.converted(records)
    several = ["family"] if cells.are_alike(results, extra) else []
    columns = [*several, "scale", *extra]
    mine = {result.family.name: paper_speed(extreme(result)) for result in results}
    return Table(
        key=name,
        title=f"{name.upper()}  {guideline.claim} {_at_what_flops(records)}",
        words=len(columns) + 1,
        columns=(
            *several,
            "scale",
            *extra,
            guideline.axis,
            "channels",
            *cells.COUNTED,
            *cells.TIMED,
            *converted,
            "paper",
        ),
        rows=tuple((*([record.family.name] if several else []), *_row(record, extra, converted)) for record in records),
        lines=(
            *(_verdict_line(verdict, mine[verdict.family]) for verdict in verdicts if verdict.family in mine),
            *cells.warning_lines(records),
        ),
        least=(
            *("channels", "Δ FLOPs"),
            *(["scale"] if len({result.family.scale for result in results}) == 1 else []),
            *("MFLOPs (mult-adds)", cells.CONVERTED, "paper", "mem. access MB"),
        ),
        groups=cells.sizes_of(results),
        bars=cells.bars(records),
    )


def _at_what_flops(records: Sequence[Record]) -> str:
    """Return the end of the title: whether the networks have equal FLOPs."""
    deviation = max((abs(record.flops_deviation or 0.0) for record in records), default=0.0)
    if deviation <= EQUAL_FLOPS:
        return "at equal FLOPs"
    return f"(FLOPs differ by up to {formatting.percent(deviation)})"


def _row(record: Record, extra: Sequence[str], converted: Sequence[str]) -> tuple[str, ...]:
    return (
        f"×{record.family.scale}",
        *cells.settings(record.family, extra),
        record.variant.name,
        record.variant.channels,
        *cells.costs(record),
        *cells.time(record),
        *(cells.at_equal_flops(record) for _ in converted),
        cells.paper_speed(paper_speed(record), record),
    )


def _verdict_line(verdict: Verdict, published: float | None) -> str:
    where = verdict.scale if verdict.family == f"{verdict.guideline}-x{verdict.scale[1:]}" else verdict.family
    outcome = f"{sign_of(verdict.outcome)} {where} {verdict.outcome}"
    if verdict.relative is None:
        return f"{outcome}: {verdict.advice}"
    measured = f"{verdict.variant} runs at {formatting.speed(verdict.relative)} of the speed of {verdict.baseline}"
    paper = f" (paper {published:.3f})" if published else ""
    undecided = verdict.outcome in {"no effect", "inconclusive"}
    bound = f" (threshold {formatting.percent(verdict.threshold)})" if undecided else ""
    advice = f"; {verdict.advice}" if verdict.advice else ""
    return f"{outcome}: {measured}{_converted(verdict)}{paper}{bound}{advice}"


def _converted(verdict: Verdict) -> str:
    """Return the speed at equal FLOPs as text; empty if FLOPs are equal or too different."""
    if verdict.at_equal_flops is None or abs(verdict.flops_deviation or 0.0) < cells.LEAST_DEVIATION:
        return ""
    return f", {formatting.speed(verdict.at_equal_flops)} {cells.CONVERTED}"
