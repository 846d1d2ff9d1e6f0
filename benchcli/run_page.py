"""Lay the report of a run out as a page."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from itertools import groupby

from benchcli import units
from benchcli.advice import disturbed, grouped, sentence
from benchcli.devices.base import DEVICES, split_name
from benchcli.families import paper_column
from benchcli.guidelines.base import GUIDELINES, SIZE
from benchcli.pages import Page, Table
from benchcli.records import COLUMNS, row
from benchcli.running import Report
from benchcli.schema import FamilyResult, Record, Verdict

COUNTED = ("MFLOPs", "Δ FLOPs", "MAC MB")
UNKNOWN = "–"
MARKED = ("imprecise", "few-launches")
"""Warnings that put a mark beside the relative speed."""


def page(report: Report) -> Page:
    """Return a report laid out. In JSON, a record's warnings carry their advice."""
    records = [record for result in report.results for record in result.records]
    return Page(
        name=str(report.environment["suite"]["name"]),
        heading=heading(report),
        tables=tuple(tables(report)),
        footer=footer(report),
        columns=COLUMNS,
        rows=tuple(row(record) for record in records),
        data={
            "environment": report.environment,
            "records": [
                {**row(record), "warnings": [{"code": code, "advice": sentence(code)} for code in record.warnings]}
                for record in records
            ],
            "launches": [
                {"family": result.family.name, **asdict(conditions)}
                for result in report.results
                for conditions in result.conditions
            ],
            "verdicts": [asdict(verdict) for verdict in report.verdicts],
        },
    )


def tables(report: Report) -> list[Table]:
    """Return a table for each guideline, its families one below the other, and one for networks of none."""
    groups = groupby(report.results, key=lambda result: result.family.guideline)
    return [
        _table(name, list(results), report.verdicts) if name else _own_table(list(results)) for name, results in groups
    ]


def heading(report: Report) -> str:
    """Return the line that says where and how everything was measured."""
    target, machine = report.environment["target"], report.environment.get("machine", {})
    families = [result.family for result in report.results]
    where = report.environment.get("device", {}).get("card") or machine.get("cpu", target["device"])
    threads = units.counted(target["threads"], "thread")
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
    records = [record for result in report.results for record in result.records]
    launches = sorted({record.timing.launches for record in records if record.timing})
    ends = "–".join(map(str, sorted({*launches[:1], *launches[-1:]})))
    count = "no launch" if not launches else f"{ends} launch{'' if launches == [1] else 'es'}"
    state = "disturbed" if disturbed(records) else "quiet"
    return f"{report.folder} · {count} · {units.seconds(report.seconds)} · {state}"


def _table(name: str, results: Sequence[FamilyResult], verdicts: Sequence[Verdict]) -> Table:
    guideline = GUIDELINES[name]
    extra = _extra(results)
    records = [record for result in results for record in result.records]
    mine = {result.family.name: _published(result.records[-1]) for result in results}
    return Table(
        title=f"{name.upper()}  {guideline.claim}",
        words=len(extra) + 2,
        columns=("scale", *extra, guideline.axis, "channels", *COUNTED, "time ms", "relative speed", "paper"),
        rows=tuple(_row(record, extra) for record in records),
        lines=(
            *(_verdict_line(verdict, mine[verdict.family]) for verdict in verdicts if verdict.family in mine),
            *_warning_lines(records),
        ),
    )


def _own_table(results: Sequence[FamilyResult]) -> Table:
    extra = _extra(results)
    records = [record for result in results for record in result.records]
    return Table(
        title="networks of your own",
        words=len(extra) + 2,
        columns=("family", *extra, "network", *COUNTED, "time ms", "relative speed"),
        rows=tuple(
            (
                record.family.name,
                *(str(getattr(record.family, column)) for column in extra),
                record.variant.name,
                *_costs(record),
                *_time(record),
            )
            for record in records
        ),
        lines=tuple(_warning_lines(records)),
    )


def _extra(results: Sequence[FamilyResult]) -> list[str]:
    """Return the settings that differ between the families of a table."""
    return [name for name in ("batch", "dtype", "layout") if len({getattr(r.family, name) for r in results}) > 1]


def _row(record: Record, extra: Sequence[str]) -> tuple[str, ...]:
    family = record.family
    identity = [f"×{family.scale}", *(str(getattr(family, column)) for column in extra)]
    return (
        *identity,
        record.variant.name,
        record.variant.channels,
        *_costs(record),
        *_time(record),
        _paper(record),
    )


def _costs(record: Record) -> tuple[str, str, str]:
    costs = record.costs
    if costs is None:
        return UNKNOWN, UNKNOWN, UNKNOWN
    is_baseline = record.variant.name == record.family.baseline
    deviation = record.flops_deviation
    drift = UNKNOWN if is_baseline or deviation is None else units.percent(deviation, signed=True)
    return units.mega(costs.flops), drift, units.mega(costs.mac_bytes)


def _time(record: Record) -> tuple[str, str]:
    timing = record.timing
    if timing is None:
        return record.failure.status if record.failure else UNKNOWN, UNKNOWN
    if record.variant.name == record.family.baseline:
        relative = "1"
    else:
        relative = units.speed(timing.relative) if timing.relative else UNKNOWN
    marked = any(code.startswith(MARKED) for code in record.warnings)
    mark = " !" if marked and record.variant.name != record.family.baseline else ""
    return units.milliseconds(timing.seconds.estimate), relative + mark


def _paper(record: Record) -> str:
    value = _published(record)
    if value is None:
        return UNKNOWN
    return "1" if record.variant.name == record.family.baseline else f"{value:.3f}"


def _published(record: Record) -> float | None:
    """Return the paper's figure for a network of the paper; there is none for other channels, sizes or batches."""
    family = record.family
    if not family.widths.startswith("paper") or record.variant.shape[-1] != SIZE or family.batch != 1:
        return None
    column = paper_column(family.widths, DEVICES[split_name(record.target.device)[0]].column)
    return GUIDELINES[family.guideline].paper_relative_speed(record.variant.name, column, family.scale)


def _verdict_line(verdict: Verdict, published: float | None) -> str:
    where = verdict.scale if verdict.family == f"{verdict.guideline}-x{verdict.scale[1:]}" else verdict.family
    if verdict.relative is None:
        return f"{where} {verdict.outcome}: {verdict.advice}"
    measured = f"{verdict.variant} runs at {units.speed(verdict.relative)} of the speed of {verdict.baseline}"
    paper = f" (paper {published:.3f})" if published else ""
    bound = f" (an effect counts from {units.percent(verdict.threshold)})" if verdict.outcome != "holds" else ""
    advice = f"; {verdict.advice}" if verdict.advice else ""
    return f"{where} {verdict.outcome}: {measured}{paper}{bound}{advice}"


def _warning_lines(records: Sequence[Record]) -> Iterator[str]:
    for record in records:
        if record.failure:
            name = f"×{record.family.scale} {record.variant.name}"
            yield f"{record.failure.status}: {name}: {record.failure.error}"
    for code, about in grouped(records).items():
        mark = "! " if code.startswith(MARKED) else ""
        yield f"{mark}{_names(about, records)}: {sentence(code)}"


def _names(about: Sequence[Record], records: Sequence[Record]) -> str:
    """Name the rows that a warning is about, each family's together."""
    if len(about) == len([record for record in records if record.timing]) and len(about) > 1:
        return "all"
    scales = {record.family.name: record.family.scale for record in records}
    by_scale = len(set(scales.values())) == len(scales)
    groups: dict[str, list[str]] = {}
    for record in about:
        label = f"×{record.family.scale}" if by_scale else record.family.name
        groups.setdefault(label, []).append(record.variant.name)
    return "; ".join(f"{label} {', '.join(names)}" for label, names in groups.items())
