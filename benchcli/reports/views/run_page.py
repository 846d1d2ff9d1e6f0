"""Lay out the report of a run as a page."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace
from importlib import import_module
from itertools import groupby
from types import ModuleType

from benchcli import formatting
from benchcli.analysis.verdicts import Verdict, verdicts
from benchcli.noise.diagnosis import disturbed
from benchcli.reports.advice import advised
from benchcli.reports.page import Page, Table
from benchcli.reports.views import guideline_table as guidelines
from benchcli.runs.rows import COLUMNS, row
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Catalogue, Record
from benchcli.schema.environment import as_json
from benchcli.workloads.requests import settings_of

VIEWS: Mapping[Catalogue, str] = {"": "network_table", "blocks": "block_table", "networks": "network_table"}
"""The module of each catalogue's table."""


def page(report: SuiteRun, depth: int | None = None) -> Page:
    """Return the page of a run, with layers rolled up to `depth`. Its data for JSON adds the advice to each warning."""
    records, judged = report.records, verdicts(report.results)
    rows = tuple(row(record) for record in records)
    return Page(
        name=report.environment.suite.name if report.environment.suite else "",
        heading=heading(report),
        tables=tuple(
            replace(table, columns=tuple(column for column in table.columns if not column.is_empty))
            for table in (*_settings(report), *_tables(report, judged), *_breakdown(report), *_layers(report, depth))
        ),
        footer=footer(report),
        columns=COLUMNS,
        rows=rows,
        data={
            "environment": as_json(report.environment),
            "records": [
                {
                    **cells,
                    "warnings": [advised(warning) for warning in record.warnings],
                    "top1_error_percent": _error(record),
                }
                for record, cells in zip(records, rows, strict=True)
            ],
            "launches": [
                {"family": result.family.name, **vars(conditions)}
                for result in report.results
                for conditions in result.conditions
            ],
            "breakdowns": [asdict(breakdown) for breakdown in report.breakdowns],
            "layers": _layer_rows(report),
            "verdicts": [asdict(verdict) for verdict in judged],
        },
    )


def _error(record: Record) -> float | None:
    if record.family.guideline:
        return None
    from benchcli.analysis.published import top1_error  # it reads all networks that ship

    return top1_error(record)


def _tables(report: SuiteRun, judged: Sequence[Verdict]) -> list[Table]:
    """Return a table for each guideline, and one for each other kind of family."""
    groups = groupby(report.results, key=lambda result: (result.family.guideline, result.family.catalogue))
    return [
        guidelines.table(name, list(results), judged) if name else _view_of(catalogue).table(list(results))
        for (name, catalogue), results in groups
    ]


def _view_of(catalogue: Catalogue) -> ModuleType:
    """Return the view of a catalogue, which has its name; it is imported only when needed."""
    return import_module(f"benchcli.reports.views.{VIEWS[catalogue]}")


def _settings(report: SuiteRun) -> list[Table]:
    if not any(result.family.first for result in report.results):
        return []
    from benchcli.reports.views import settings_table as settings

    return [settings.table(report.results)]


def _layers(report: SuiteRun, depth: int | None) -> list[Table]:
    if not report.layers and not report.unlayered:
        return []
    from benchcli.reports.views import layer_table as layers

    return [layers.table(report.layers, report.unlayered, depth)]


def _layer_rows(report: SuiteRun) -> list[dict[str, object]]:
    if not report.layers:
        return []
    from benchcli.analysis.layer_rows import layer_rows

    return [asdict(row) for row in layer_rows(report.layers)]


def _breakdown(report: SuiteRun) -> list[Table]:
    if not report.breakdowns and not report.untraced:
        return []
    from benchcli.reports.views import breakdown_table as breakdowns

    return [breakdowns.table(report.records, report.breakdowns, report.untraced)]


def heading(report: SuiteRun) -> str:
    """Return the line above the tables: where and how the run was measured."""
    target = report.environment.target
    where = report.environment.where or target.device
    several = list(dict.fromkeys(result.family.on(target).threads for result in report.results))
    threads = (
        formatting.counted(target.threads, "thread")
        if len(several) < 2
        else f"{' and '.join(map(str, several))} threads"
    )
    dtype, layout, batch = settings_of(result.family for result in report.results).values()
    device = target.device if target.device != "cpu" else None
    parts = [where, device, threads, target.runtime, dtype, layout, f"batch {batch}" if batch else ""]
    if target.allocator != "steady":
        parts.append(f"{target.allocator} allocator")
    if target.cache != "warm":
        parts.append(f"{target.cache} caches")
    return " · ".join(part for part in parts if part)


def footer(report: SuiteRun) -> str:
    """Return the line below the tables: folder, launches, duration, and quiet or disturbed."""
    launches = sorted({record.timing.launches for record in report.records if record.timing})
    ends = "–".join(map(str, sorted({*launches[:1], *launches[-1:]})))
    count = "no launch" if not launches else f"{ends} launch{'' if launches == [1] else 'es'}"
    state = "disturbed" if disturbed(report.records) else "quiet"
    took = [] if report.seconds is None else [formatting.seconds(report.seconds)]
    unfinished = [whole(report)] if report.unfinished else []
    return " · ".join([str(report.folder), count, *took, state, *unfinished])


def whole(report: SuiteRun) -> str:
    """Return whether a run is finished, and what it lacks."""
    if report.is_going:
        return f"still going: {formatting.counted(len(report.unfinished), 'family', 'families')} to come"
    return f"not finished: lacks {', '.join(report.unfinished)}" if report.unfinished else "finished"
