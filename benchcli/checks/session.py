"""Define a check's request, session and report."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from benchcli import formatting
from benchcli.checks import rules
from benchcli.checks.check_folder import CheckFolder
from benchcli.checks.findings import Finding
from benchcli.checks.pairs import CONTROL, Pair
from benchcli.checks.versions import BASE, HEAD, Side
from benchcli.errors import UserError
from benchcli.sampling.supervise import Survey
from benchcli.sampling.worker_reports import Failures
from benchcli.schema import Target
from benchcli.schema.environment import Environment
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import Launcher
from benchcli.settings import (
    ALLOW,
    ALLOW_RANDOM,
    BASE_VERSION,
    BASELINE,
    CHECK_S,
    CONFIRMATIONS,
    CONFIRMING_LAUNCHES,
    COSTS_ONLY,
    FAIL_IF_MDE_ABOVE,
    HEAD_VERSION,
    HISTORY,
    ONLY,
    SEPARATE,
    TARGET,
    THRESHOLD,
    Setting,
)
from benchcli.spelling import given
from benchcli.system import machine
from benchcli.workers.tools import Tools
from benchcli.workloads.overrides import Overrides

AHEAD_TOGETHER = {BASE: 3, HEAD: 1}
"""How many fork servers start at once, by side. Every check needs them: for costs, for the launches that screen, and
for those of each version alone."""
AHEAD_APART = {BASE: 2, CONTROL: 2, HEAD: 2}
"""The same where each side has processes of its own."""


@dataclass(frozen=True)
class CheckRequest:
    """The settings of a check."""

    suite: str
    """The name of a shipped suite, or a path."""
    base: str | None = None
    """A git ref, a folder or a Python interpreter; None if `baseline` is set."""
    head: str | None = None
    """A git ref, a folder or a Python interpreter; None: the working tree."""
    baseline: Path | None = None
    """The folder of a recorded run; None if `base` is set."""
    history: Path | None = None
    """The store whose runs judge times, of which `baseline` is the last one; None: that alone does."""
    only: tuple[str, ...] = ()
    """Names of families, or of networks as family/variant; empty: all."""
    target: Target = field(default_factory=Target)
    overrides: Overrides = field(default_factory=Overrides)
    threshold: float | None = None
    """The least change that counts, as a fraction; None: the default of the kind of check."""
    launches: int = CONFIRMING_LAUNCHES
    """The least launches, after the screening, before a network is left inconclusive."""
    budget_s: float = CHECK_S
    separate: bool = False
    """Whether base and head run in separate processes even if one process could run both."""
    costs_only: bool = False
    """Whether the check skips the timing."""
    allowed: tuple[str, ...] = ()
    """Intended changes, a subset of `settings.ALLOWABLE`."""
    fail_if_mde_above: float | None = None
    """The largest minimum detectable effect with which a time may pass, as a fraction; None: any."""
    require_clean: bool = False
    """Whether a working tree with uncommitted changes is an error."""
    output: Path | None = None
    """The folder to write; None: a new one in `results`."""

    def check(self) -> None:
        """Raise UserError if settings exclude each other, or if one is missing."""
        if self.base is not None and self.baseline is not None:
            raise UserError(f"{given('base')} and {given('baseline')} cannot be used together: give one")
        if self.base is None and self.baseline is None:
            raise UserError(
                f"there is nothing to compare with: give {given('base')} (a git ref, a folder or an interpreter), "
                f"{given('baseline')} (a recorded run) or {given('history')} (a store of runs)"
            )
        if self.baseline is not None:
            of_base = {
                "head": self.head,
                "separate": self.separate,
                "require_clean": self.require_clean,
                "launches": self.launches != CONFIRMING_LAUNCHES,
            }
            for name, value in of_base.items():
                if value:
                    beside = given("history" if self.history else "baseline")
                    raise UserError(f"{given(name)} is for {given('base')}: leave it out beside {beside}")
        self._check_limit()

    def _check_limit(self) -> None:
        """Raise UserError if no check could stay within the limit of the minimum detectable effect."""
        if self.fail_if_mde_above is None:
            return
        limit, option = self.fail_if_mde_above, given("fail_if_mde_above")
        if self.costs_only:
            raise UserError(f"{option} is about times, and {given('costs_only')} measures none: leave one of them out")
        if self.threshold is not None and limit < self.threshold:
            raise UserError(
                f"{option} {limit:.2%} is below {given('threshold')} {self.threshold:.2%}, and a smaller slowdown is "
                "never found: give a smaller threshold"
            )

    def command(self, only: str, base: str | None = None, head: str | None = None) -> str:
        """Return the command that repeats the check for the family or network `only`.

        `base` and `head` are the values of `--base` and `--head` that name the same versions.
        """
        values: tuple[tuple[Setting, object], ...] = (
            (BASE_VERSION, base),
            (HEAD_VERSION, head),
            (BASELINE, None if self.history else self.baseline),
            (HISTORY, self.history),
            (ONLY, (only,)),
            *((each, getattr(self.target, each.name)) for each in TARGET),
            (THRESHOLD, self.threshold),
            (SEPARATE, self.separate),
            (COSTS_ONLY, self.costs_only),
            (CONFIRMATIONS, self.launches),
            (ALLOW, self.allowed),
            (FAIL_IF_MDE_ABOVE, self.fail_if_mde_above),
            (ALLOW_RANDOM, self.overrides.allow_random),
        )
        options = (word for setting, value in values for word in setting.words(value))
        return shlex.join(["benchcli", "check", self.suite, *options])


@dataclass(frozen=True)
class CheckReport:
    """The findings of a check that finished or ended early, and its environment and folder."""

    name: str
    heading: str
    environment: Environment
    findings: tuple[Finding, ...]
    folder: Path | None


class UnfinishedCheckError(Exception):
    """The check ended early; `report` holds the findings so far."""

    def __init__(self, report: CheckReport, reason: str | None) -> None:
        super().__init__(reason)
        self.report = report
        self.reason = reason
        """Why the check ended; None if the user interrupted it."""


def heading_of(title: str, target: Target) -> str:
    """Return the report's heading: the versions, the device, the threads and the runtime."""
    where = machine.cpu_model() if target.device == "cpu" else target.device
    return f"{title} · {where} · {formatting.counted(target.threads, 'thread')} · {target.runtime}"


@dataclass
class CheckSession:
    """The mutable state of a check of two versions."""

    request: CheckRequest
    pairs: tuple[Pair, ...]
    pythons: Mapping[Side, str]
    """Base's and head's interpreters."""
    tools: Tools
    folder: CheckFolder
    stack: ExitStack
    begun_s: float = field(init=False)
    launchers: dict[str, Launcher] = field(default_factory=dict)
    surveys: dict[str, Survey] = field(default_factory=dict)
    """Launchers and surveys by side."""
    together: bool = field(init=False)
    """Whether one process runs both versions."""
    why_apart: str | None = None
    """The error for which base and head got separate processes; None if there was none."""
    failures: Failures = field(default_factory=Failures)
    last_s: float = 0.0
    """Duration of the last launch."""

    def __post_init__(self) -> None:
        self.begun_s = self.tools.clock()
        self.together = self.pythons[BASE] == self.pythons[HEAD] and not self.request.separate

    @property
    def threshold(self) -> float:
        """The least change that counts, as a fraction."""
        if self.request.threshold is not None:
            return self.request.threshold
        return rules.THRESHOLD_TOGETHER if self.together else rules.THRESHOLD_APART

    def start(self) -> None:
        """Start the processes of the first launches: of all sides, beside each other."""
        if self.request.costs_only:
            return
        for side, count in (AHEAD_TOGETHER if self.together else AHEAD_APART).items():
            self.launcher(side, count)

    def launcher(self, side: str, ahead: int = 0) -> Launcher:
        """Return the launcher of one side's processes; the first call starts it, with so many processes ahead."""
        if side not in self.launchers:
            python = self.pythons[HEAD if side == HEAD else BASE]
            workers = self.tools.workers(python=python, renew=rules.RENEW, ahead=(self.request.target,) * ahead)
            self.launchers[side] = self.stack.enter_context(workers)
        return self.launchers[side]

    def spent_s(self) -> float:
        """Return the seconds since the check began."""
        return self.tools.clock() - self.begun_s

    def say(self, doing: str, launches: int | None = None) -> None:
        """Report progress: the current activity, and the most launches that are still to be made if that is known."""
        spent_s, most_s = self.spent_s(), self.request.budget_s
        if launches is not None and self.last_s:
            most_s = min(most_s, max(rules.UNTIL_S, spent_s + launches * self.last_s))
        self.tools.observe(Progress(doing, spent_s, most_s))

    def failed_pairs(self) -> Iterator[str]:
        """Yield the names of pairs in which a network failed while it was timed."""
        yield from (pair for pair, _ in self.failures.by_key)
