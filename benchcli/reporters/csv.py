"""For programs: the rows of `measurements.csv`."""

import csv
import io

from benchcli.records import COLUMNS, row
from benchcli.reporters.base import REPORTERS, Reporter
from benchcli.running import Report


class Csv(Reporter):
    """What the run's folder holds, on stdout."""

    name = "csv"

    def render(self, report: Report) -> str:
        """Write a header and a row for each record."""
        text = io.StringIO()
        writer = csv.DictWriter(text, COLUMNS, lineterminator="\n")
        writer.writeheader()
        writer.writerows(row(record) for result in report.results for record in result.records)
        return text.getvalue()


REPORTERS.add(Csv())
