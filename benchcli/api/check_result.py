"""A check as a result."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.api.result import Result, machine_cells
from benchcli.reports.page import Figure, Page
from benchcli.runs.rows import Cell

if TYPE_CHECKING:
    from benchcli.checks.findings import Finding
    from benchcli.checks.headline import Headline
    from benchcli.checks.session import CheckReport


@dataclass(repr=False)
class Check(Result):
    """The result of a check."""

    details: "CheckReport"
    """The report that the properties below read."""

    def _laid_out(self) -> Page:
        from benchcli.reports.views.check_page import page

        return page(self.details)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        from benchcli.reports.views import fact_list

        return fact_list.of_check(self.details.environment, self.folder)

    def _badge(self) -> str:
        from benchcli.reports.views import fact_list

        return fact_list.badge_of_check(self.details.environment)

    def _answers(self) -> tuple[str, ...]:
        from benchcli.reports.views import answers

        return answers.of_check(self.findings)

    def _figures(self) -> Iterable[Figure]:
        from benchcli.reports.charts.base import figures_of_check

        return figures_of_check(self.details)

    @property
    def findings(self) -> "tuple[Finding, ...]":
        """The findings for each network, the most important first."""
        return self.details.findings

    @property
    def headline(self) -> "Headline":
        """How many networks have each outcome; its `text` is the line that every format shows."""
        from benchcli.checks.headline import headline_of

        return headline_of(self.findings, self._most_detectable)

    @property
    def failed(self) -> bool:
        """Whether there is a regression."""
        return any(finding.fails for finding in self.findings)

    @property
    def folder(self) -> Path | None:
        """The folder of the check's files; None if nothing was timed against a recorded run."""
        return self.details.folder

    def exit_code(self, strict: bool = False) -> int:
        """Return the command line's exit code: 3 a regression, 4 not measured, 0 fine.

        With `strict` an inconclusive time counts as not measured. So does a time that passed, if the check was
        asked to fail above a minimum detectable effect, and that of the network is larger.
        """
        from benchcli.checks.findings import exit_code

        return exit_code(self.findings, strict, self._most_detectable)

    @property
    def _most_detectable(self) -> float | None:
        check = self.details.environment.check
        return check.fail_if_mde_above if check else None

    def _machine(self) -> Mapping[str, Cell]:
        return machine_cells(self.details.environment)
