"""Write a page's rows as CSV."""

import csv
import io
import re

from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Cell, Page

HEADERS = (
    "schema,run,suite,family,",
    "run,family,variant,device,",
    "run,family,faster,slower,",
    "family,variant,subject,outcome,",
    "claim,verdict,says,source,",
    "network,input,flops,params,",
    "network,module,calls,flops,",
    "network,operator,calls,flops,",
    "network,operator,module,dtype,",
    "section,name,value\n",
    "name,kind,injected,",
    "figure,of,per_second,",
)
"""What headers of pages begin with: runs, comparisons, pairs, checks, claims, costs, devices, self-tests, roofs."""


class Csv(Format):
    """The rows of `measurements.csv` or `findings.csv`."""

    name = "csv"
    beginning = "|".join(re.escape(each) for each in HEADERS)

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
