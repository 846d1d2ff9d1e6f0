"""Several runs, checks or audits, below or beside each other."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, overload

from benchcli.api.audit_result import NetworkAudit
from benchcli.api.check_result import Check
from benchcli.api.result import Result, with_charts
from benchcli.api.run_result import Run
from benchcli.errors import UserError
from benchcli.formatting import clean
from benchcli.reports.formats.base import FORMATS
from benchcli.reports.page import Page
from benchcli.runs.rows import Cell

if TYPE_CHECKING:
    from benchcli.analysis.comparison import Comparison

Member = Run | Check | NetworkAudit
MOST = 26
"""Runs in a comparison: each has a letter."""
HISTORY = 3
"""The fewest runs that have a history: they are in the order of time."""
MOST_DRAWN = 8
"""The most runs whose own charts stand in the page of several; beyond, only their tables do."""


@dataclass(repr=False)
class Compared(Result, Sequence[Member]):
    """Several runs, checks or audits, compared with the first one or shown one below the other."""

    runs: tuple[Member, ...]
    """The runs, checks and audits; iterating and indexing give them too."""
    side_by_side: bool = False
    """Whether the tables compare the runs with the first one. A report of runs does that in any case."""

    @overload
    def __getitem__(self, place: int) -> Member: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Member]: ...
    def __getitem__(self, place: int | slice) -> Member | Sequence[Member]:
        return self.runs[place]

    def __len__(self) -> int:
        return len(self.runs)

    @cached_property
    def comparison(self) -> "Comparison":
        """A row for each network, the differences between the runs, and what each lacks."""
        from benchcli.analysis.comparison import compare

        return compare([run.details for run in self.runs if isinstance(run, Run)])

    def _laid_out(self) -> Page:
        if self.side_by_side:
            from benchcli.reports.views.comparison_page import page

            return page(self.comparison)
        return _below_each_other(self.runs)

    def _drawn(self) -> Page:
        if self.side_by_side:
            return super()._drawn()
        members = _in_order(self.runs)
        if len(members) == 1:
            return members[0].drawn
        runs = tuple(each for each in members if isinstance(each, Run))
        return _drawn_runs(runs) if runs else _drawn_checks(members)

    def show(self, format_: str = "table") -> str:
        """Return all as text: one table if compared, else one below the other; one page as HTML."""
        return self._joined(format_, Result.show)

    def written(self, format_: str) -> str:
        """Return all as a file holds them."""
        return self._joined(format_, Result.written)

    def _joined(self, format_: str, shown: Callable[[Result, str], str]) -> str:
        if self.side_by_side:
            return shown(self, format_)
        if format_ == "junit":
            raise UserError("junit shows one check: give one")
        together = format_ in {"csv", "json"} or FORMATS[format_].draws
        return shown(self, format_) if together else "\n".join(shown(run, format_) for run in self.runs)

    def _rows(self) -> list[dict[str, Cell]]:
        return super()._rows() if self.side_by_side else [row for run in self.runs for row in run._rows()]

    def _repr_html_(self) -> str:
        return super()._repr_html_() if self.side_by_side else "".join(run._repr_html_() for run in self.runs)


def _below_each_other(runs: Sequence[Member]) -> Page:
    """Return the rows and the data of all. Raises UserError for runs, checks and audits, whose rows differ."""
    from benchcli.analysis.places import PLACE_COLUMNS

    pages = [run.page for run in runs]
    if len({tuple(name for name in page.columns if name not in PLACE_COLUMNS) for page in pages}) > 1:
        raise UserError("runs, checks and audits have different columns: give one kind of them for this format")
    rows = tuple(row for page in pages for row in page.rows)
    data = [each for page in pages if isinstance(each := page.data, Mapping)]
    columns, first = tuple(dict.fromkeys(name for page in pages for name in page.columns)), pages[0]
    identity = (*(("run",) if "run" in columns else ()), *first.identity)
    return Page("runs", "", (), "", columns, rows, data, identity=identity, leading=first.leading)


def _in_order(members: Sequence[Member]) -> list[Member]:
    """Return each folder's run, check or audit once, three and more runs in the order of time.

    Raises UserError if they do not belong together.
    """
    from benchcli.analysis.run_history import started

    by_folder = {str(each.folder.resolve() if each.folder else id(each)): each for each in members}
    audit = next((each for each in by_folder.values() if isinstance(each, NetworkAudit)), None)
    if audit and len(by_folder) > 1:
        raise UserError(f"{audit.folder} is an audit, which has a page of its own: give it without others")
    checks = [each for each in by_folder.values() if isinstance(each, Check)]
    runs = [each for each in by_folder.values() if isinstance(each, Run)]
    if checks and runs:
        raise UserError(f"{checks[0].folder} is a check and {runs[0].folder} is a run: report them one by one")
    names = {run.details.suite_name: run.folder for run in runs}
    if len(names) > 1:
        (one, folder), (other, folder_of_other) = list(names.items())[:2]
        raise UserError(
            f"{folder} is a run of {one} and {folder_of_other} of {other}: give runs of one suite, or report each"
        )
    ordered = sorted(runs, key=lambda run: started(run.details)) if len(runs) >= HISTORY else runs
    return [audit] if audit else [*checks, *ordered]


def _drawn_runs(runs: Sequence[Run]) -> Page:
    """Return one page of several runs of a suite: side by side, as a history, and each by itself."""
    from benchcli.analysis.comparison import compare
    from benchcli.reports.charts.base import LabelledRun, figures_of
    from benchcli.reports.views import answers
    from benchcli.reports.views.comparison_page import series_page
    from benchcli.reports.views.labels import labels

    details = [run.details for run in runs]
    names = labels(details)
    comparison = compare(details) if len(runs) <= MOST else None
    page = series_page(details, names, comparison)
    page = replace(page, answers=answers.of_comparison(comparison, names) if comparison else ())
    figures = figures_of([LabelledRun(*each) for each in zip(names, details, strict=True)])
    few = len(runs) <= MOST_DRAWN
    parts = (replace(run.drawn if few else run.page, name=clean(name)) for name, run in zip(names, runs, strict=True))
    return replace(with_charts(page, (), figures), parts=tuple(parts))


def _drawn_checks(checks: Sequence[Member]) -> Page:
    """Return one page of several checks, one after the other."""
    page = replace(
        _below_each_other(checks),
        name=f"{len(checks)} checks",
        answers=tuple(f"{check.page.name}: {check.page.summary}" for check in checks),
    )
    return replace(with_charts(page, (), ()), parts=tuple(check.drawn for check in checks))
