"""Lay the report of a run out as a page."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from itertools import groupby

from benchcli import formatting
from benchcli.analysis.published import top1_error
from benchcli.measure.advice import disturbed, sentence
from benchcli.report.page import Page, Table
from benchcli.report.views import blocks, breakdowns, custom, guidelines, networks
from benchcli.report.views.cells import records_of
from benchcli.runs.rows import COLUMNS, row
from benchcli.runs.run import Report
from benchcli.schema import Catalogue, FamilyResult

TABLES: Mapping[Catalogue, Callable[[Sequence[FamilyResult]], Table]] = {
    "": custom.table,
    "blocks": blocks.table,
    "networks": networks.table,
}
"""What lays out families of no guideline."""


def page(report: Report) -> Page:
    """Return a report laid out. In JSON, a record's warnings carry their advice."""
    records = records_of(report.results)
    return Page(
        name=str(report.environment["suite"]["name"]),
        heading=heading(report),
        tables=(*tables(report), *_breakdown(report)),
        footer=footer(report),
        columns=COLUMNS,
        rows=tuple(row(record) for record in records),
        data={
            "environment": report.environment,
            "records": [
                {
                    **row(record),
                    "warnings": [{"code": code, "advice": sentence(code)} for code in record.warnings],
                    "published_top1_error_percent": top1_error(record),
                }
                for record in records
            ],
            "launches": [
                {"family": result.family.name, **asdict(conditions)}
                for result in report.results
                for conditions in result.conditions
            ],
            "breakdowns": [asdict(breakdown) for breakdown in report.breakdowns],
            "verdicts": [asdict(verdict) for verdict in report.verdicts],
        },
    )


def tables(report: Report) -> list[Table]:
    """Return a table for each guideline, its families one below the other, and one for each other kind of family."""
    groups = groupby(report.results, key=lambda result: (result.family.guideline, result.family.catalogue))
    return [
        guidelines.table(name, list(results), report.verdicts) if name else TABLES[catalogue](list(results))
        for (name, catalogue), results in groups
    ]


def _breakdown(report: Report) -> list[Table]:
    if not report.breakdowns and not report.untraced:
        return []
    records = records_of(report.results)
    return [breakdowns.table(records, report.breakdowns, report.untraced)]


def heading(report: Report) -> str:
    """Return the line that says where and how everything was measured."""
    target, machine = report.environment["target"], report.environment.get("machine", {})
    families = [result.family for result in report.results]
    where = report.environment.get("device", {}).get("card") or machine.get("cpu", target["device"])
    threads = formatting.counted(target["threads"], "thread")
    shared = [
        " and ".join(dict.fromkeys(str(getattr(family, name)) for family in families))
        for name in ("dtype", "layout", "batch")
    ]
    device = target["device"] if target["device"] != "cpu" else None
    parts = [where, device, threads, target["runtime"], *shared[:2], f"batch {shared[2]}"]
    if target["allocator"] != "steady":
        parts.append(f"{target['allocator']} allocator")
    if target["cache"] != "warm":
        parts.append(f"{target['cache']} caches")
    return " · ".join(part for part in parts if part)


def footer(report: Report) -> str:
    """Return the line that says where the files are, what it took, and whether it was quiet meanwhile."""
    records = records_of(report.results)
    launches = sorted({record.timing.launches for record in records if record.timing})
    ends = "–".join(map(str, sorted({*launches[:1], *launches[-1:]})))
    count = "no launch" if not launches else f"{ends} launch{'' if launches == [1] else 'es'}"
    state = "disturbed" if disturbed(records) else "quiet"
    took = [] if report.seconds is None else [formatting.seconds(report.seconds)]
    return " · ".join([str(report.folder), count, *took, state])
