"""Lay out the table of networks: costs, time, published error and the Pareto front."""

from collections.abc import Mapping, Sequence

from benchcli.analysis.published import batch_hint, relative_speed
from benchcli.report.page import Table
from benchcli.report.views import cells
from benchcli.report.views.errors import COLUMNS, Errors
from benchcli.schema import FamilyResult, Key, Record


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
        title="Networks",
        words=len(several) + len(extra) + 1,
        columns=(
            *several,
            *extra,
            "network",
            "input",
            *cells.COUNTED,
            "params M",
            *cells.TIMED,
            *cells.PERCENTILES,
            *cells.rate_headings(records),
            *(["paper"] if speeds else []),
            *COLUMNS,
        ),
        rows=tuple(_row(record, several, extra, errors, speeds) for record in records),
        lines=(
            *errors.lines(),
            *cells.sentences(records),
            *filter(None, [batch_hint(records)]),
            *cells.warning_lines(records),
        ),
    )


def _row(
    record: Record,
    several: Sequence[str],
    extra: Sequence[str],
    errors: Errors,
    speeds: Mapping[Key, float],
) -> tuple[str, ...]:
    return (
        *([record.family.name] if several else []),
        *cells.settings(record.family, extra),
        record.variant.name,
        cells.inputs(record),
        *cells.costs(record),
        cells.params(record),
        *cells.time(record),
        *cells.percentiles(record),
        *cells.rates(record),
        *([cells.paper_speed(speeds.get(record.key), record)] if speeds else []),
        *errors.cells(record),
    )
