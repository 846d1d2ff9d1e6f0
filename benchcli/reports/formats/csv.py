"""Write a page's rows as CSV."""

import csv
import io

from benchcli.beginnings import CSV
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Cell, Page


class Csv(Format):
    """The rows of `measurements.csv` or `findings.csv`."""

    name = "csv"
    beginning = CSV

    def render(self, page: Page) -> str:
        """Write a header and the rows."""
        text = io.StringIO()
        writer = csv.DictWriter(text, page.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows({column: _inert(cell) for column, cell in row.items()} for row in page.rows)
        return text.getvalue()


def _inert(cell: Cell) -> Cell:
    """Return a cell that no spreadsheet takes for a formula: a text that would be one is quoted."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell


FORMATS.add(Csv())
