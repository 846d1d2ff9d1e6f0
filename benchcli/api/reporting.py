"""Make one page of several recorded runs or checks."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchcli.analysis.run_history import started
from benchcli.api import plotting
from benchcli.api.checking import Check
from benchcli.api.recorded import MOST, load
from benchcli.api.results import Run, Shown
from benchcli.api.several import Runs
from benchcli.api.writing import target
from benchcli.errors import UserError
from benchcli.formatting import clean
from benchcli.reports.charts.base import LabelledRun, figures_of
from benchcli.reports.page import Figure, Page
from benchcli.reports.views.comparison_page import series_page
from benchcli.reports.views.labels import labels
from benchcli.runs.suite_run import SuiteRun

HISTORY = 3
"""The fewest runs that have a history: they are in the order of time."""
MOST_DRAWN = 8
"""The most runs whose own charts stand in the page of several; beyond, only their tables do."""
Given = Path | str | Run | Runs | Check


@dataclass(repr=False)
class Series(Shown):
    """Several runs of one suite: side by side, as a history, and each by itself."""

    runs: tuple[Run, ...]
    """In the order of time, if there are three or more."""

    def _laid_out(self) -> Page:
        from benchcli.analysis.comparison import compare

        reports = self._reports
        compared = compare(reports) if len(reports) <= MOST else None
        return series_page(reports, self._labels, compared)

    def _figures(self) -> Iterable[Figure]:
        return figures_of([LabelledRun(*each) for each in zip(self._labels, self._reports, strict=True)])

    def _parts(self) -> Iterable[Page]:
        few = len(self.runs) <= MOST_DRAWN
        for label, run in zip(self._labels, self.runs, strict=True):
            yield replace(run.drawn if few else run.page, name=clean(label))

    @property
    def _reports(self) -> list[SuiteRun]:
        return [run.details for run in self.runs]

    @cached_property
    def _labels(self) -> list[str]:
        return labels(self._reports)


@dataclass(repr=False)
class Checks(Shown):
    """Several checks in one page, one after the other."""

    checks: tuple[Check, ...]
    """The checks, in the order in which they were given."""

    def _laid_out(self) -> Page:
        return replace(Runs(self.checks).page, name=f"{len(self.checks)} checks")

    def _parts(self) -> Iterable[Page]:
        return (check.drawn for check in self.checks)


def together(*given: Given | Sequence[Given]) -> Shown:
    """Return what shows all that is given: runs of one suite, or checks, by folder, by pattern or as results.

    Raises UserError if there is nothing, if one cannot be read, or if they do not belong together.
    """
    found = _unique([each for one in given for each in _loaded(one)])
    if not found:
        raise UserError("give the folder of a run or a check, such as results/<time>-<suite>-<host>")
    if len(found) == 1:
        return found[0]
    checks = tuple(each for each in found if isinstance(each, Check))
    runs = tuple(each for each in found if isinstance(each, Run))
    if checks and runs:
        raise UserError(f"{checks[0].folder} is a check and {runs[0].folder} is a run: report them one by one")
    if checks:
        return Checks(checks)
    names = {run.environment.suite.name if run.environment.suite else "": run.folder for run in runs}
    if len(names) > 1:
        (one, folder), (other, folder_of_other) = list(names.items())[:2]
        raise UserError(
            f"{folder} is a run of {one} and {folder_of_other} of {other}: give runs of one suite, or report each"
        )
    return Series(_ordered(runs))


def report(*runs: Given | Sequence[Given], path: Path | str) -> None:
    """Write one HTML page of recorded runs or checks, which loads nothing.

    Several runs of one suite stand side by side; three or more have a history. Raises UserError as
    `load` does, if they are of different suites, or if the file cannot be written.
    """
    target(path)
    together(*runs).report(path)


def plot(*runs: Given | Sequence[Given], kind: str, path: Path | str, theme: str = "light") -> None:
    """Draw the charts of one kind of recorded runs or checks into a file: .svg, .png, .pdf or .json.

    Raises UserError as `report` does, if there is no chart of this kind, or if the extra `plot` is
    not installed.
    """
    plotting.check(kind, target(path), theme)
    together(*runs).plot(kind, path, theme)


def _loaded(given: Given | Sequence[Given]) -> list[Run | Check]:
    if isinstance(given, Path | str):
        given = load(given)
    if isinstance(given, Run | Check):
        return [given]
    if not isinstance(given, Sequence):
        raise UserError(f"a run is a folder, a pattern or a result, not {given!r}")
    return [each for one in given for each in _loaded(one)]


def _unique(found: Sequence[Run | Check]) -> list[Run | Check]:
    """Return each once, whatever pattern found it too."""
    by_folder = {str(each.folder.resolve() if each.folder else id(each)): each for each in found}
    return list(by_folder.values())


def _ordered(runs: tuple[Run, ...]) -> tuple[Run, ...]:
    if len(runs) < HISTORY:
        return runs
    return tuple(sorted(runs, key=lambda run: started(run.details)))
