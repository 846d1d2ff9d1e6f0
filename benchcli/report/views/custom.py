"""Lay out the table of a user's own networks."""

from collections.abc import Sequence

from benchcli.report.page import Table
from benchcli.report.views import cells
from benchcli.report.views.errors import COLUMNS, Errors
from benchcli.schema import FamilyResult


def table(results: Sequence[FamilyResult]) -> Table:
    """Return the table of families of a user's own networks."""
    extra = cells.differing(results)
    records = cells.records_of(results)
    errors = Errors(records)
    return Table(
        title="Your networks",
        words=len(extra) + 2,
        columns=(
            "family",
            *extra,
            "network",
            "input",
            *cells.COUNTED,
            "params M",
            *cells.TIMED,
            *cells.PERCENTILES,
            *cells.rate_headings(records),
            *COLUMNS,
        ),
        rows=tuple(
            (
                record.family.name,
                *cells.settings(record.family, extra),
                record.variant.name,
                cells.inputs(record),
                *cells.costs(record),
                cells.params(record),
                *cells.time(record),
                *cells.percentiles(record),
                *cells.rates(record),
                *errors.cells(record),
            )
            for record in records
        ),
        lines=(*errors.lines(), *cells.sentences(records), *cells.warning_lines(records)),
    )
