"""Lay out the table of networks: costs, time, published error and the Pareto front."""

from collections.abc import Mapping, Sequence

from benchcli.analysis.published import batch_hint, relative_speed
from benchcli.reports.page import Table
from benchcli.reports.views import cells
from benchcli.reports.views.error_columns import COLUMNS, Errors
from benchcli.schema import FamilyResult, Key, Record

LEAST = (
    *("GFLOP/s (mult-adds)", "params M", "Δ FLOPs", "input", "mem. access MB"),
    *("images/s", "tokens/s", "images or tokens/s", "MFLOPs (mult-adds)", "p50 ms", "p95 ms", "paper"),
    *("top-1 error %", "p99 ms"),
)
"""The columns that a narrow screen leaves out, in this order."""


def table(results: Sequence[FamilyResult]) -> Table:
    """Return the table of networks, several groups one below the other."""
    extra = cells.differing(results)
    several = ["family"] if len(results) > 1 else []
    records = cells.records_of(results)
    errors = Errors(records)
    speeds = {
        record.key: speed
        for result in results
        for record in result.records
        if (speed := relative_speed(record, result.records[0])) is not None
    }
    return Table(
        key="networks",
        title="Networks",
        words=len(several) + len(extra) + 1,
        columns=(
            *several,
            *extra,
            *columns(records, ["paper"] if speeds else []),
        ),
        rows=tuple(_row(record, several, extra, errors, speeds) for record in records),
        lines=lines(records, errors, batch_hint(records)),
        least=LEAST,
        groups=cells.sizes_of(results),
        bars=cells.bars(records),
    )


def columns(records: Sequence[Record], more: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the headings of a whole network, with `more` before those of its error."""
    rates = cells.rate_headings(records)
    measured = (*cells.COUNTED, "params M", *cells.TIMED, *cells.PERCENTILES, *rates)
    return "network", "input", *measured, *more, *COLUMNS


def row(record: Record, errors: Errors, more: Sequence[str] = ()) -> tuple[str, ...]:
    """Return the cells under `columns`."""
    return (
        record.variant.name,
        cells.inputs(record),
        *cells.costs(record),
        cells.params(record),
        *cells.time(record),
        *cells.percentiles(record),
        *cells.rates(record),
        *more,
        *errors.cells(record),
    )


def lines(records: Sequence[Record], errors: Errors, hint: str | None = None) -> tuple[str, ...]:
    """Return the lines below a table of whole networks."""
    hints = [hint] if hint else []
    return (*errors.lines(), *cells.sentences(records), *hints, *cells.warning_lines(records))


def _row(
    record: Record,
    several: Sequence[str],
    extra: Sequence[str],
    errors: Errors,
    speeds: Mapping[Key, float],
) -> tuple[str, ...]:
    paper = [cells.paper_speed(speeds.get(record.key), record)] if speeds else []
    family = [record.family.name] if several else []
    return (*family, *cells.settings(record.family, extra), *row(record, errors, paper))
