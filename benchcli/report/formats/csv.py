"""For programs: rows."""

import csv
import io

from benchcli.report.formats.base import FORMATS, Format
from benchcli.report.page import Page


class Csv(Format):
    """What the folder's table holds, on stdout."""

    name = "csv"

    def render(self, page: Page) -> str:
        """Write a header and the rows."""
        text = io.StringIO()
        writer = csv.DictWriter(text, page.columns, lineterminator="\n")
        writer.writeheader()
        writer.writerows(page.rows)
        return text.getvalue()


FORMATS.add(Csv())
