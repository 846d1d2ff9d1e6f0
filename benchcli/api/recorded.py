"""Read recorded runs, and compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli import files
from benchcli.api.checking import Check
from benchcli.api.paper_claims import SUITE, claims
from benchcli.api.results import Run, Shown
from benchcli.api.several import Runs
from benchcli.checks import read_check
from benchcli.errors import UserError
from benchcli.reports.page import Page
from benchcli.runs.read import read

if TYPE_CHECKING:
    from benchcli.analysis.comparison import Comparison

MOST = 26
"""Runs in a comparison: each has a letter."""


@dataclass(repr=False)
class Compared(Shown):
    """Recorded runs side by side."""

    comparison: "Comparison"
    """A row for each network, the differences between the runs, and what each lacks."""

    def _laid_out(self) -> Page:
        from benchcli.reports.views.comparison_page import page

        return page(self.comparison)


def load(folder_or_glob: Path | str) -> Run | Check | Runs:
    """Return the recorded run or check in a folder; for a pattern, such as "results/*g2*", all that match.

    Raises UserError if there is none, or if one is damaged.
    """
    text = str(folder_or_glob)
    if not set(text) & set("*?[") or files.mode_of(Path(text)) is not None:
        return _load(Path(text))
    folders = sorted(Path(match) for match in glob(text) if Path(match).is_dir())  # noqa: PTH207  an absolute pattern too
    if not folders:
        raise UserError(f"no results at {text}: nothing matches the pattern")
    found = [_load(folder) for folder in folders]
    return found[0] if len(found) == 1 and isinstance(found[0], Check) else Runs(tuple(found))


def load_all(runs: Sequence[str], depth: int | None = None) -> Run | Check | Runs:
    """Return the recorded runs and checks of several folders or patterns, with layers rolled up to a depth."""
    loaded = [load(each) for each in runs]
    found = [each for one in loaded for each in (one if isinstance(one, Runs) else (one,))]
    for each in found:
        if isinstance(each, Run):
            each.depth = depth
    return found[0] if len(found) == 1 else Runs(tuple(found))


def _load(path: Path) -> Run | Check:
    if read_check.is_check(path):
        return Check(read_check.report_of(path))
    report = read(path)
    return claims(path) if report.environment.suite and report.environment.suite.name == SUITE else Run(report)


def compare(*runs: Path | str | Run) -> Compared:
    """Compare recorded runs, given by folder or as results, with the first of them.

    Raises UserError if there are fewer than two, or if one cannot be read.
    """
    if len(runs) < 2:
        raise UserError("give two runs or more: the folders that `benchcli run` and `benchcli guideline` write")
    if len(runs) > MOST:
        raise UserError(f"{len(runs)} runs are too many for one table: give {MOST} or fewer")
    from benchcli.analysis.comparison import compare as compared

    recorded = [run.details if isinstance(run, Run) else read(Path(str(run))) for run in runs]
    return Compared(compared(recorded))
