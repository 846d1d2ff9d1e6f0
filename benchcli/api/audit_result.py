"""The audit of a network as a result: its page, its findings and its layers."""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

from benchcli import files
from benchcli.analysis import audit_findings as analysis
from benchcli.analysis.audit_findings import AuditFinding
from benchcli.analysis.joint_gain import together
from benchcli.analysis.other_baseline import samples_of
from benchcli.analysis.slow_here import slow_here
from benchcli.api.run_result import OfRun, Run
from benchcli.api.traced_rows import LayerRows
from benchcli.errors import DamagedRunError, UserError
from benchcli.reports.page import Figure, Page
from benchcli.runs import audit_file
from benchcli.runs.audit_file import TRIALS, AuditedCalls
from benchcli.runs.read import read
from benchcli.runs.run_folder import MEASUREMENTS
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Interval, Record
from benchcli.schema.records import Status

AGAIN = "audit the network again"
NOT_TAKEN: frozenset[Status] = frozenset({"unsupported"})
"""What a changed form ends with that the network cannot take."""
OF_BRANCHING: frozenset[Status] = NOT_TAKEN | {"wrong-output"}
"""The same, if the code branches on values of tensors, of which a trace follows one branch."""


@dataclass(repr=False)
class NetworkAudit(OfRun):
    """What makes a network slow, and what would help."""

    details: SuiteRun
    """The run of the network, and of its changed forms."""
    audited: AuditedCalls
    trials: SuiteRun | None
    """The run of the rebuilt layers; None if no finding was worth one."""
    depth: int | None = None
    """The depth to which the page rolls layers up."""
    is_verbose: bool = False
    """Whether the page is shown with every warning."""

    @cached_property
    def findings(self) -> tuple[AuditFinding, ...]:
        """What the network breaks, with the gain of following it: the largest first, then those without one."""
        found = analysis.suspects_of(self.details, self.audited)
        judged = analysis.findings(found, analysis.trials_of(self.details, self.trials))
        return (*judged, *slow_here(self.details, self.audited))

    @property
    def together(self) -> Interval | None:
        """The share of the network's time that all certain gains win, no operator call counted twice; None without."""
        return together(self.findings)[0]

    @property
    def records(self) -> tuple[Record, ...]:
        """The network's record, and those of its changed forms."""
        return self.details.records

    @property
    def failed(self) -> tuple[Record, ...]:
        """The records that should have a time and have none.

        A changed form that the network cannot take is none of them. Nor is one with other outputs, if the
        network's code branches on values: what was traced follows one branch.
        """
        allowed = OF_BRANCHING if self.audited.branching else NOT_TAKEN
        return tuple(
            each for each in self.records if each.failure and not (each.family.first and each.failure.status in allowed)
        )

    @property
    def folder(self) -> Path:
        """The folder of the audit's files."""
        return self.details.folder

    @property
    def layers(self) -> LayerRows:
        """One row for each module of the network, with what it does itself."""
        return Run(self.details).layers_at(self.depth)

    def _laid_out(self) -> Page:
        from benchcli.reports.views import audit_page

        page = audit_page.page(self.details, self.audited, self.findings, self.depth)
        return replace(page, is_verbose=self.is_verbose)

    def _answers(self) -> tuple[str, ...]:
        from benchcli.reports.views import audit_page

        return audit_page.answers(self.findings)

    def _figures(self) -> Iterable[Figure]:
        from benchcli.reports.charts.base import DrawnAudit, figures_of_audit

        return figures_of_audit(DrawnAudit(self.details, self.audited, self.findings))


def audit_in(folder: Path) -> NetworkAudit:
    """Return the audit in a folder. Raises UserError, with the way out, if one of its files is missing or damaged."""
    with _not_resumed(AGAIN):
        details, audited = read(folder), audit_file.audited_in(folder)
        family = details.environment.suite.families[0].name if details.environment.suite else ""
        if family in details.unfinished:
            raise DamagedRunError(f"{folder / MEASUREMENTS} has no row of the network", AGAIN)
    trials = folder / TRIALS
    if not files.is_file(trials / MEASUREMENTS):
        return NetworkAudit(details, audited, None)
    with _not_resumed(f"delete {trials} to read the audit without gains, or {AGAIN}"):
        rebuilt = read(trials)
        samples_of(rebuilt)  # the gains are read from them later
    return NetworkAudit(details, audited, rebuilt)


@contextmanager
def _not_resumed(way_out: str) -> Iterator[None]:
    """Give errors about damaged files the way out of an audit, which nothing resumes."""
    try:
        yield
    except DamagedRunError as error:
        raise UserError(f"{error.fault}: {way_out}") from None
