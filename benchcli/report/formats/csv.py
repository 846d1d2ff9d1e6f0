"""Write a page's rows as CSV."""

import csv
import io

from benchcli.report.formats.base import FORMATS, Format
from benchcli.report.page import Page


class Csv(Format):
    """The rows of `measurements.csv` or `findings.csv`."""

    name = "csv"

    def render(self, page: Page) -> str:
        """Write a header and the rows."""
        text = io.StringIO()
        writer = csv.DictWriter(text, page.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(page.rows)
        return text.getvalue()


FORMATS.add(Csv())
