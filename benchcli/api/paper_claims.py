"""Test the claims of the ShuffleNet papers."""

from collections.abc import Iterable
from pathlib import Path
from typing import Unpack

from benchcli.analysis.claims.base import Judged, traced
from benchcli.api.keywords import overrides_of
from benchcli.api.results import Run
from benchcli.api.running import Settings, run, target_in
from benchcli.errors import UserError
from benchcli.reports.page import Page
from benchcli.reports.views.claims_page import judged_by, page
from benchcli.runs.read import read
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Family, Suite
from benchcli.workloads.suites import families_of_suite, find_suite

SUITE = "claims"
CLAIMS_BUDGET_S, CLAIMS_PRECISION = 17.0, 0.02
"""Claims are about effects of 2 % and more."""


class Claims(Run):
    """The claims of the ShuffleNet papers, judged by a run."""

    def __init__(self, report: SuiteRun, families: Iterable[Family]) -> None:
        super().__init__(report)
        self._families = tuple(families)

    def _laid_out(self) -> Page:
        return page(self.details, self._families)

    @property
    def judged(self) -> tuple[Judged, ...]:
        """Each claim with its verdict and its evidence."""
        return tuple(judged_by(self.details, self._families))


def claims(folder: Path | str | None = None, **settings: Unpack[Settings]) -> Claims:
    """Test what the two ShuffleNet papers claim: by measuring now, or on a run in a folder.

    Raises what `measure` raises, and UserError if there is no run in the folder.
    """
    file = find_suite(SUITE)
    if folder is not None:
        if settings:
            raise UserError(
                f"{min(settings)} cannot be combined with FOLDER, whose run is already measured: leave one out"
            )
        report = read(Path(folder))
        return Claims(report, families_of_suite(file, overrides_of(report.environment.target)))
    defaults: Settings = {"budget": CLAIMS_BUDGET_S, "precision": CLAIMS_PRECISION, **settings}
    families = families_of_suite(file, overrides_of(target_in(settings)))
    suite = Suite(file.name, file.description, tuple(families))
    return run(suite, defaults, traced(), lambda report: Claims(report, families))
