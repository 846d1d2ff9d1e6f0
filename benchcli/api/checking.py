"""Check one version of networks against another, or against a recorded run."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Unpack

from benchcli import validation
from benchcli.api.keywords import TargetSettings, overrides_of, target_of
from benchcli.api.results import Shown, UnfinishedError, machine_cells
from benchcli.api.running import check_names, only, tools_of
from benchcli.checks.check_run import run_check
from benchcli.checks.findings import ALLOWABLE, Finding, exit_code
from benchcli.checks.session import CheckReport, CheckRequest, UnfinishedCheckError
from benchcli.errors import UserError
from benchcli.reports.page import Figure, Page
from benchcli.runs.rows import Cell
from benchcli.schema.progress import Observer
from benchcli.workers.tools import Tools


@dataclass(repr=False)
class Check(Shown):
    """The result of a check."""

    details: CheckReport
    """The report that the properties below read."""

    def _laid_out(self) -> Page:
        from benchcli.reports.views.check_page import page

        return page(self.details)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        from benchcli.reports.views import fact_list as facts

        return facts.of_check(self.details.environment, self.folder)

    def _figures(self) -> Iterable[Figure]:
        from benchcli.reports.charts.base import figures_of_check

        return figures_of_check(self.details)

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The findings for each network, the most important first."""
        return self.details.findings

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

        With `strict` an inconclusive time counts as not measured.
        """
        return exit_code(self.findings, strict)

    def _machine(self) -> dict[str, Cell]:
        return machine_cells(self.details.environment)


class CheckSettings(TargetSettings, total=False):
    """Settings of a check."""

    only: str | Sequence[str]
    """Families, or networks as "family/variant"."""
    threshold: float | None
    """The smallest slowdown that fails, as a fraction."""
    launches: int
    """Fresh processes that confirm each suspected slowdown."""
    time_limit: float
    """Seconds for the whole check."""
    separate: bool
    """Whether base and head run in separate processes, even if one process could load both."""
    costs_only: bool
    """Whether to compare costs and outputs only, and measure no time."""
    allow: str | Sequence[str]
    """Intended changes, which do not fail: costs, output, gone (a network was removed), new."""
    require_clean: bool
    """Whether a working tree with uncommitted changes is an error."""
    output: Path | str | None
    """The folder of the check's files."""
    progress: Observer | None
    """Called with a `Progress` at each step."""
    tools: Tools | None
    """Tools that start processes and read the clock; tests replace them."""


def check(
    suite: str,
    *,
    base: str | None = None,
    head: str | None = None,
    baseline: Path | str | None = None,
    **settings: Unpack[CheckSettings],
) -> Check:
    """Check a suite: is `head` slower, or costlier, than `base`, or than the run in folder `baseline`?

    `base` and `head` are git refs, folders, or Python interpreters; `head` is the working tree by
    default. Raises UserError where the two cannot be compared, NothingMeasuredError where nothing
    was found, and UnfinishedError if the check ended early: its `result` has what was found.
    """
    check_names(settings, CheckSettings)
    target = target_of(**only(settings, TargetSettings))
    request = CheckRequest(
        validation.text("a suite", suite),
        base,
        head,
        None if baseline is None else validation.path("a baseline", baseline),
        target=target,
        overrides=overrides_of(target),
        **_checked(settings),
    )
    try:
        return Check(run_check(request, tools_of(settings)))
    except UnfinishedCheckError as error:
        said = f"{error.reason}; what was checked before is shown"
        left = "interrupted: what was found before is shown" if error.reason is None else said
        raise UnfinishedError(Check(error.report), error.reason, left) from None


def _several(names: str | Sequence[str]) -> tuple[str, ...]:
    """Return names from a sequence, or from one text with commas between them."""
    several = names.split(",") if isinstance(names, str) else names
    if not isinstance(several, list | tuple):
        raise UserError(f"names are a text or a list of texts, not {names!r}")
    return tuple(validation.text("a name", name).strip() for name in several)


def _checked(settings: CheckSettings) -> dict[str, Any]:
    """Return the settings by the request's names. Raises UserError if one is out of bounds."""
    given: dict[str, Any] = {
        name: value for name, value in settings.items() if name in {field.name for field in fields(CheckRequest)}
    }
    if "only" in given:
        given["only"] = _several(given["only"])
    if "allow" in settings:
        given["allowed"] = tuple(validation.one_of("change", each, ALLOWABLE) for each in _several(settings["allow"]))
    if settings.get("threshold") is not None:
        given["threshold"] = validation.precision(settings["threshold"], settings["threshold"], "a threshold")
    if "time_limit" in settings:
        given["budget_s"] = validation.budget_s(settings["time_limit"], settings["time_limit"], "a time limit")
    if "launches" in settings:
        given["launches"] = validation.whole("the number of launches", settings["launches"], validation.CONFIRMATIONS)
    if settings.get("output") is not None:
        given["output"] = validation.path("an output", settings["output"])
    return given
