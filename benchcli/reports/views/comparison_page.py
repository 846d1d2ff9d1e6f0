"""Lay out several runs side by side: a comparison, or a series of one suite."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from itertools import groupby
from string import ascii_uppercase

from benchcli import formatting
from benchcli.analysis.comparison import Comparison
from benchcli.formatting import UNKNOWN, counted
from benchcli.noise.diagnosis import disturbed
from benchcli.reports.page import Column, Page, Table, numbers, words
from benchcli.reports.views.run_page import state_of
from benchcli.runs.rows import Cell
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Interval, Record
from benchcli.schema.environment import as_json

COLUMNS = (
    "run",
    "family",
    "variant",
    "device",
    "runtime",
    "dtype",
    "status",
    "median_s",
    "change",
    "change_low",
    "change_high",
    "relative_speed",
    "relative_low",
    "relative_high",
    "flops",
    "mac_bytes",
    "note",
)


def page(comparison: Comparison) -> Page:
    """Return the page: a column of times for each run, and one of changes for all but the first."""
    letters = ascii_uppercase[: len(comparison.runs)]
    return Page(
        name="comparison",
        heading=" · ".join(f"{letter} {run.folder}" for letter, run in zip(letters, comparison.runs, strict=True)),
        tables=(
            Table(
                title="change in time, relative to A",
                columns=tuple(_columns(comparison, letters)),
                lines=tuple(_lines(comparison)),
                groups=_groups(comparison),
            ),
        ),
        footer=_footer(comparison),
        columns=COLUMNS,
        rows=tuple(_cells(comparison)),
        identity=("family", "variant", "run"),
        leading=("median_s", "change", "change_low", "change_high", "relative_speed", "status", "note"),
        data={
            "runs": [{"path": str(run.folder), "environment": as_json(run.environment)} for run in comparison.runs],
            "changes": list(_cells(comparison)),
            "geometric_means": list(comparison.means),
            "differences": list(comparison.differences),
            "missing": list(comparison.missing),
        },
    )


def _groups(comparison: Comparison) -> tuple[int, ...]:
    """Return the number of rows of each family, and the one row of the means."""
    return (*(len(list(rows)) for _, rows in groupby(comparison.rows, key=lambda row: row.family)), 1)


def _columns(comparison: Comparison, letters: str) -> Iterator[Column]:
    """Yield the columns; the last cell of each belongs to the row of the means."""
    rows = comparison.rows
    yield words("family", [*(row.family for row in rows), "geometric mean"])
    yield words("network", [*(row.variant for row in rows), ""])
    for number, letter in enumerate(letters):
        yield numbers(f"{letter} ms", [*(_time(row.records[number]) for row in rows), ""])
    for number, letter in enumerate(letters[1:], 1):
        changes = [row.changes[number] for row in rows]
        mean = comparison.means[number]
        yield numbers(
            f"{letter} vs A",
            [
                *(formatting.change(change) if change else UNKNOWN for change in changes),
                formatting.percent(mean - 1, signed=True) if mean else UNKNOWN,
            ],
        )
    for number, letter in enumerate(letters):
        speeds = [_relative(row.records[number]) for row in rows]
        yield numbers(f"{letter} rel. speed", [*speeds, ""], len(letters) - number)


def _time(record: Record | None) -> str:
    if record is None:
        return UNKNOWN
    return formatting.time(record.timing.seconds) if record.timing else str(_status(record))


def _relative(record: Record | None) -> str:
    relative = record.timing.relative if record and record.timing else None
    return f"{relative.estimate:.3f}" if relative else UNKNOWN


def _lines(comparison: Comparison) -> Iterator[str]:
    yield from comparison.missing
    for row in comparison.rows:
        for run, other, costs in zip(comparison.runs, row.others, row.costs, strict=True):
            if other or costs:
                yield f"{run.folder}: {row.family}/{row.variant}: {other or costs}"
    yield from comparison.differences
    for run in comparison.runs:
        if run.unfinished:
            yield f"{run.folder} is not finished: {', '.join(run.unfinished)}"
    if shaken := [str(run.folder) for run in comparison.runs if disturbed(run.records)]:
        yield (
            f"{formatting.named(shaken)}: disturbed: differences of times are those of the machine too, which no "
            "interval knows"
        )


def _footer(comparison: Comparison) -> str:
    text = f"{comparison.compared} of {len(comparison.rows)} networks compared"
    if comparison.differences:
        return text
    # Between two runs the machine itself changes, which neither run's intervals know of.
    return f"{text} · the runs were measured at different times: `benchcli check` alternates two versions instead"


def _cells(comparison: Comparison) -> Iterator[dict[str, Cell]]:
    for row in comparison.rows:
        for number, (run, record, change) in enumerate(zip(comparison.runs, row.records, row.changes, strict=True)):
            timing = record.timing if record else None
            yield {
                "run": str(run.folder),
                "family": row.family,
                "variant": row.variant,
                "device": record.target.device if record else None,
                "runtime": record.target.runtime if record else None,
                "dtype": record.family.dtype if record else None,
                "status": _status(record),
                "median_s": timing.seconds.estimate if timing else None,
                **_ends("change", change, ""),
                **_ends("relative_speed", timing.relative if timing else None, "relative"),
                "flops": record.costs.flops if record and record.costs else None,
                "mac_bytes": record.costs.mac_bytes if record and record.costs else None,
                "note": row.others[number] or row.costs[number],
            }


def _ends(name: str, interval: Interval | None, ends: str) -> dict[str, Cell]:
    values = asdict(interval) if interval else dict.fromkeys(("estimate", "low", "high"))
    return {name: values["estimate"], **{f"{ends or name}_{end}": values[end] for end in ("low", "high")}}


def _status(record: Record | None) -> str:
    if record is None:
        return "missing"
    return record.failure.status if record.failure else "ok"


RUN_COLUMNS = ("run", "folder", "started", "commit", "processor or card", "networks", "state")


def series_page(reports: Sequence[SuiteRun], labels: Sequence[str], compared: Comparison | None) -> Page:
    """Return the page; without a comparison, where runs are too many for one, it has the runs alone."""
    suite = reports[0].environment.suite
    name = suite.name if suite else ""
    table = Table(
        title=f"{counted(len(reports), 'run')} of {name}",
        columns=tuple(map(words, RUN_COLUMNS, zip(*map(_run_row, reports, labels), strict=True))),
        key="history",
    )
    if compared is None:
        rows = tuple(dict(zip(RUN_COLUMNS, row, strict=True)) for row in table.rows)
        return Page(name, f"{len(reports)} runs", (table,), "", RUN_COLUMNS, rows, {"runs": list(rows)})
    of_runs = page(compared)
    tables = tuple(replace(each, key="comparison") for each in of_runs.tables)
    return replace(of_runs, name=name, tables=(table, *tables))


def _run_row(report: SuiteRun, label: str) -> tuple[str, ...]:
    environment = report.environment
    texts = (environment.started, formatting.commits(environment.commit_measured, 10), environment.where)
    return label, str(report.folder), *(each or UNKNOWN for each in texts), str(len(report.records)), state_of(report)
