"""Lay out the table of a user's own networks."""

from collections.abc import Sequence

from benchcli.reports.page import Table
from benchcli.reports.views import cells
from benchcli.reports.views import network_table as networks
from benchcli.reports.views.error_columns import Errors
from benchcli.schema import FamilyResult


def table(results: Sequence[FamilyResult]) -> Table:
    """Return the table of families of a user's own networks."""
    extra = cells.differing(results)
    records = cells.records_of(results)
    errors = Errors(records)
    return Table(
        key="custom",
        title="Your networks",
        words=len(extra) + 2,
        columns=("family", *extra, *networks.columns(records)),
        rows=tuple(
            (record.family.name, *cells.settings(record.family, extra), *networks.row(record, errors))
            for record in records
        ),
        lines=networks.lines(records, errors),
        least=networks.LEAST,
        groups=cells.sizes_of(results),
        bars=cells.bars(records),
    )
