"""Lay out the report of a run as a page."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from itertools import groupby

from benchcli import formatting
from benchcli.analysis.layer_rows import tells_nodes
from benchcli.analysis.places import PLACE_COLUMNS, place_cells, places_of, with_places
from benchcli.analysis.setting_effects import SettingEffect, setting_effects
from benchcli.analysis.verdicts import Verdict, verdicts_of
from benchcli.noise.diagnosis import disturbed
from benchcli.reports.advice import advised
from benchcli.reports.page import Cell, Page, Table
from benchcli.reports.views import cells, guideline_table
from benchcli.runs.rows import COLUMNS, row
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import INFERENCE, FamilyResult, Record
from benchcli.schema.environment import as_json
from benchcli.statistics import LEAST_LAUNCHES
from benchcli.workloads.requests import settings_of

MOST_RUNTIMES = 3
"""The most runtimes that a heading names; a table has them all."""
IDENTITY = ("family", "variant")
LEADING = (
    *("status", "median_s", "ci_low_s", "ci_high_s", "relative_speed", "relative_low", "relative_high"),
    *("flops", "params", "mac_bytes", "batch", "dtype", "layout", "step", "threads", "runtime"),
)


def page(report: SuiteRun, depth: int | None = None, is_tree: bool = False) -> Page:
    """Return the page of a run, with layers rolled up to `depth`, or as a tree of modules down to it.

    Its data for JSON adds the advice to each warning.
    """
    judged, rows = verdicts_of(report), _rows(report)
    return Page(
        name=report.suite_name,
        heading=heading(report),
        tables=tuple(
            replace(table, columns=tuple(column for column in table.columns if not column.is_empty))
            for table in _with_lacking(list(_tables(report, judged, depth, is_tree)), report)
        ),
        footer=footer(report),
        columns=(*COLUMNS, *(PLACE_COLUMNS if report.environment.roofs else ())),
        rows=rows,
        identity=IDENTITY,
        leading=LEADING,
        data={
            "environment": as_json(report.environment),
            **({"baseline": report.baseline} if report.baseline else {}),
            "records": [_advised(*each) for each in zip(report.records, rows, strict=True)],
            "launches": [
                {"family": result.family.name, **vars(conditions)}
                for result in report.results
                for conditions in result.conditions
            ],
            "breakdowns": [asdict(breakdown) for breakdown in report.breakdowns],
            **_layers(report),
            "settings": [_effect(each) for each in setting_effects(report.results)],
            "verdicts": [{**asdict(verdict), "scale": f"×{verdict.scale}"} for verdict in judged],
        },
    )


def _effect(effect: SettingEffect) -> dict[str, str]:
    """Return what JSON has of a network in another setting than the first."""
    family, variant = effect.record.key
    return {"family": family, "variant": variant, "outcome": effect.outcome, "why": effect.why}


def _rows(report: SuiteRun) -> tuple[dict[str, Cell], ...]:
    """Return the cells of each record, and of its place on the roofline if the device's roofs are known."""
    if not report.environment.roofs:
        return tuple(map(row, report.records))
    places = places_of(report)
    return tuple({**row(record), **place_cells(places.get(record.key))} for record in report.records)


def _advised(record: Record, values: Mapping[str, Cell]) -> dict[str, object]:
    """Return what JSON has of a record."""
    advice = [advised(warning) for warning in record.warnings]
    return {**values, "warnings": advice, "top1_error_percent": _error(record)}


def _error(record: Record) -> float | None:
    if record.family.guideline:
        return None
    from benchcli.analysis.published import top1_error  # it reads all networks that ship

    return top1_error(record)


def _of_settings(report: SuiteRun, judged: Sequence[Verdict]) -> Iterator[Table]:
    """Yield the table of runtimes and that of settings, where there are several.

    A network alone has no speeds within a runtime: then what preparing took stands below its settings.
    """
    below: tuple[str, ...] = ()
    if len(report.runtimes) > 1:
        from benchcli.reports.views import runtime_table

        if any(len(result.records) > 1 for result in report.results):
            yield runtime_table.table(report.results, judged)
        else:
            below = tuple(runtime_table.prepared(report.results, report.runtimes))
    if any(result.family.first and not result.family.swept_axis for result in report.results):
        from benchcli.reports.views import settings_table

        made = settings_table.table(report.results)
        yield replace(made, lines=(*made.lines, *below))


def _tables(report: SuiteRun, judged: Sequence[Verdict], depth: int | None, is_tree: bool) -> Iterator[Table]:
    """Yield a table for each guideline and each other kind of family, between those of settings and of time.

    A view is imported only if it is needed: networks and blocks import all that ship.
    """
    yield from _of_settings(report, judged)
    places = places_of(report)
    groups = groupby(
        report.results,
        key=lambda result: (result.family.guideline, result.family.catalogue, result.family.swept_axis),
    )
    for (guideline, catalogue, axis), of_group in groups:
        results = list(of_group)
        if axis:
            from benchcli.reports.views import sweep_tables

            yield from sweep_tables.tables(axis, results, report)
            continue
        table = _table(guideline, catalogue, results, judged)
        found = [places.get(record.key) for record in cells.records_of(results)]
        yield replace(table, columns=(*table.columns, *cells.places(found)))
    if report.breakdowns:
        from benchcli.reports.views import breakdown_table

        yield breakdown_table.table(report.records, report.breakdowns, report.untraced)
    if report.layers:
        yield from _layer_tables(report, depth, is_tree)


def _table(guideline: str, catalogue: str, results: Sequence[FamilyResult], judged: Sequence[Verdict]) -> Table:
    if guideline:
        return guideline_table.table(guideline, results, judged)
    if catalogue == "blocks":
        from benchcli.reports.views import block_table

        return block_table.table(results)
    from benchcli.reports.views import network_table

    return network_table.table(results)


def _layer_tables(report: SuiteRun, depth: int | None, is_tree: bool) -> Iterator[Table]:
    from benchcli.reports.views import layer_table, module_tables

    of_nodes = [layer_table.OF_NODES] if any(map(tells_nodes, report.runtimes)) else []
    lines = (*of_nodes, *layer_table.of_other_calls(report.layers, report.by_key()))
    if is_tree:
        yield from module_tables.tables(report.layers, depth, (*lines, *layer_table.lacking(report.unlayered)))
    else:
        placed = partial(with_places, run=report)
        found = layer_table.table(report.layers, report.unlayered, depth, placed)
        yield replace(found, lines=(*found.lines, *lines))


def _with_lacking(tables: Sequence[Table], report: SuiteRun) -> tuple[Table, ...]:
    """Return the tables, the last one with what went beyond the budget.

    It also has a line for each trace that is missing where no table of traces has it.
    """
    lines = tuple(_over_budget(report))
    if report.untraced and not report.breakdowns:
        from benchcli.reports.views import breakdown_table

        lines += breakdown_table.lines(report.records, (), report.untraced)
    if report.unlayered and not report.layers:
        from benchcli.reports.views import layer_table

        lines += layer_table.lacking(report.unlayered)
    return (*tables[:-1], replace(tables[-1], lines=(*tables[-1].lines, *lines))) if lines else tuple(tables)


LEAST_OVER = 1.2
"""How many times as long as the budget a run takes at least that says why."""


def _over_budget(report: SuiteRun) -> Iterator[str]:
    """Yield what took the time of a run that was longer than the budget that its user gave."""
    plan, seconds = report.environment.plan, report.seconds
    if plan is None or seconds is None or plan.grows or plan.launches is not None:
        return
    asked_s = plan.budget_s * len(report.results)
    if seconds <= LEAST_OVER * asked_s:
        return
    launches = max((record.timing.launches for record in report.records if record.timing), default=0)
    launches_s = seconds - sum(report.apart_s.values())
    parts = {**report.apart_s, formatting.counted(launches, "launch", "launches"): launches_s}
    took = ", ".join(f"{what} {formatting.seconds(each)}" for what, each in parts.items() if each >= 0.5)
    why = ["six launches are made in any case"] if launches <= LEAST_LAUNCHES else []
    why += ["tracing is no part of the budget"] if report.apart_s.get("tracing", 0.0) >= 0.5 else []
    asked = formatting.seconds(asked_s)
    yield "; ".join([f"{formatting.seconds(seconds)} for a budget of {asked}: {took}", *why])


def _layers(report: SuiteRun) -> dict[str, list[dict[str, object]]]:
    """Return the modules with what each does itself and with all that it calls, and the totals by type."""
    if not report.layers:
        return {"layers": []}
    from benchcli.analysis.layer_rows import layer_rows
    from benchcli.analysis.module_tree import layer_types, module_tree

    modules = module_tree(report.layers)
    return {
        "layers": [asdict(row) for row in with_places(layer_rows(report.layers), report)],
        "modules": [
            {"depth": each.depth, **asdict(row)}
            for each, row in zip(modules, with_places((each.row for each in modules), report), strict=True)
        ],
        "layer_types": [asdict(each) for each in layer_types(report.layers)],
    }


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
    dtype, layout, batch, step = settings_of(result.family for result in report.results).values()
    device = target.device if target.device != "cpu" else None
    runtimes = report.runtimes
    ran = " and ".join(runtimes) if len(runtimes) <= MOST_RUNTIMES else f"{len(runtimes)} runtimes"
    parts = [where, device, threads, ran, dtype, layout, f"batch {batch}" if batch else ""]
    if step != INFERENCE:
        parts.append(step)
    if target.allocator != "steady":
        parts.append(f"{target.allocator} allocator")
    if target.cache != "warm":
        parts.append(f"{target.cache} caches")
    if target.flush_denormal:
        parts.append("denormal numbers flushed")
    return " · ".join(part for part in parts if part)


def footer(report: SuiteRun) -> str:
    """Return the line below the tables: folder, launches, duration, and quiet or disturbed."""
    launches = sorted({record.timing.launches for record in report.records if record.timing})
    ends = "–".join(map(str, sorted({*launches[:1], *launches[-1:]})))
    count = "no launch" if not launches else f"{ends} launch{'' if launches == [1] else 'es'}"
    state = "disturbed" if disturbed(report.records) else "quiet"
    took = [] if report.seconds is None else [formatting.seconds(report.seconds)]
    unfinished = [state_of(report)] if report.unfinished else []
    relative = [f"relative to {report.baseline}, by the kept samples"] if report.baseline else []
    return " · ".join([str(report.folder), count, *took, state, *relative, *unfinished])


def state_of(report: SuiteRun) -> str:
    """Return whether a run is finished, and what it lacks."""
    if report.is_going:
        return f"still going: {formatting.counted(len(report.unfinished), 'family', 'families')} to come"
    return f"not finished: lacks {', '.join(report.unfinished)}" if report.unfinished else "finished"
