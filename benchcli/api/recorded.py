"""Read recorded runs, and compare them."""

from collections.abc import Sequence
from dataclasses import dataclass
from glob import glob
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli import files
from benchcli.api.results import Run, Runs, Shown
from benchcli.errors import UserError
from benchcli.report.page import Page
from benchcli.runs.read import Recorded, read, report_of

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
        from benchcli.report.views.comparison import page

        return page(self.comparison)


def load(folder_or_glob: Path | str) -> Run | Runs:
    """Return the recorded run in a folder; for a pattern, such as "results/*g2*", all runs that match.

    Raises UserError if there is no run, or if a run is damaged.
    """
    text = str(folder_or_glob)
    if not set(text) & set("*?[") or files.mode_of(Path(text)) is not None:
        return Run(report_of(Path(text)))
    folders = sorted(Path(match) for match in glob(text) if Path(match).is_dir())  # noqa: PTH207  an absolute pattern too
    if not folders:
        raise UserError(f"no results at {text}: nothing matches the pattern")
    return Runs(tuple(Run(report_of(folder)) for folder in folders))


def compare(*runs: Path | str | Run) -> Compared:
    """Compare recorded runs, given by folder or as results, with the first of them.

    Raises UserError if there are fewer than two, or if one cannot be read.
    """
    if len(runs) < 2:
        raise UserError("give two runs or more: the folders that `benchcli run` and `benchcli guideline` write")
    if len(runs) > MOST:
        raise UserError(f"{len(runs)} runs are too many for one table: give {MOST} or fewer")
    from benchcli.analysis.comparison import compare as compared

    recorded: Sequence[Recorded] = [read(run.folder if isinstance(run, Run) else Path(str(run))) for run in runs]
    return Compared(compared(recorded))
