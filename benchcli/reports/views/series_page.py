"""Lay out several runs of one suite: the runs, and how they differ from the first."""

from collections.abc import Sequence
from dataclasses import replace

from benchcli.analysis.comparison import Comparison
from benchcli.formatting import UNKNOWN, counted
from benchcli.reports.page import Page, Table, words
from benchcli.reports.views import comparison_page as view
from benchcli.reports.views.run_page import whole
from benchcli.runs.suite_run import SuiteRun

COLUMNS = ("run", "folder", "started", "commit", "processor or card", "networks", "state")


def page(reports: Sequence[SuiteRun], labels: Sequence[str], compared: Comparison | None) -> Page:
    """Return the page; without a comparison, where runs are too many for one, it has the runs alone."""
    suite = reports[0].environment.suite
    name = suite.name if suite else ""
    table = Table(
        title=f"{counted(len(reports), 'run')} of {name}",
        columns=tuple(map(words, COLUMNS, zip(*map(_row, reports, labels), strict=True))),
        key="history",
    )
    if compared is None:
        rows = tuple(dict(zip(COLUMNS, row, strict=True)) for row in table.rows)
        return Page(name, f"{len(reports)} runs", (table,), "", COLUMNS, rows, {"runs": list(rows)})
    of_runs = view.page(compared)
    tables = tuple(replace(each, key="comparison") for each in of_runs.tables)
    return replace(of_runs, name=name, tables=(table, *tables))


def _row(report: SuiteRun, label: str) -> tuple[str, ...]:
    environment = report.environment
    texts = (environment.started, (environment.commit or "")[:10], environment.where)
    return label, str(report.folder), *(each or UNKNOWN for each in texts), str(len(report.records)), whole(report)
