"""A check: what is asked, what is under way, and what is reported."""

import shlex
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any

from benchcli import formatting
from benchcli.check import rules
from benchcli.check.findings import Finding
from benchcli.check.folder import CheckFolder
from benchcli.check.pairs import Pair
from benchcli.check.versions import BASE, HEAD, Side
from benchcli.errors import UserError
from benchcli.measure.process import Launcher
from benchcli.measure.supervise import Failures, Survey
from benchcli.measure.tools import Progress, Tools
from benchcli.schema import Target
from benchcli.system import machine
from benchcli.workloads.overrides import Overrides

BUDGET_S = 300.0
RENEW = 4
"""Launches of one fork server share where its libraries lie: base and head must not differ by that all check long."""


@dataclass(frozen=True)
class CheckRequest:
    """A suite to be checked, against what, how, and for how long."""

    suite: str
    """The name of one that ships, or a path."""
    base: str | None = None
    """A git ref, a folder, or a Python interpreter; or else `baseline` is given."""
    head: str | None = None
    """The same three; None: the working tree as it is."""
    baseline: Path | None = None
    """The folder of a recorded run."""
    only: tuple[str, ...] = ()
    """Families, and networks as family/variant; empty: all."""
    target: Target = field(default_factory=Target)
    overrides: Overrides = field(default_factory=Overrides)
    threshold: float | None = None
    """The least change that counts, as a fraction; None: by how it is measured."""
    launches: int = rules.LAUNCHES
    """Fresh launches that confirm a suspect."""
    budget_s: float = BUDGET_S
    separate: bool = False
    """Whether base and head get processes of their own, even where one could hold both."""
    costs_only: bool = False
    allowed: tuple[str, ...] = ()
    """Changes that are meant, of `findings.ALLOWABLE`."""
    require_clean: bool = False
    """Whether a working tree with uncommitted changes is refused."""
    output: Path | None = None

    def check(self) -> None:
        """Raise UserError where settings exclude each other, or one is missing."""
        if (self.base is None) == (self.baseline is None):
            raise UserError("give what to compare with: --base (a git ref, a folder or an interpreter) or --baseline")
        if self.baseline is not None:
            given = {"--head": self.head, "--separate": self.separate, "--require-clean": self.require_clean}
            for option, value in given.items():
                if value:
                    raise UserError(f"{option} is for --base: leave it out beside --baseline")

    def command(self, only: str, base: str | None = None, head: str | None = None) -> str:
        """Return the command that checks a part of it again; `base` and `head` are what then means the same."""
        words = ["benchcli", "check", self.suite]
        words += ["--base", base] if base else []
        words += ["--head", head] if head else []
        words += ["--baseline", str(self.baseline)] if self.baseline else []
        words += ["--only", only]
        for each in fields(Target):
            value = getattr(self.target, each.name)
            words += [f"--{each.name}", str(value)] if value != each.default else []
        words += ["--theta", f"{self.threshold:.2%}"] if self.threshold else []
        words += ["--separate"] if self.separate else []
        words += ["--costs-only"] if self.costs_only else []
        return shlex.join(words)


@dataclass(frozen=True)
class CheckReport:
    """A check that is over, or was cut short: what was found, how, and where its files are."""

    name: str
    heading: str
    environment: Mapping[str, Any]
    findings: tuple[Finding, ...]
    folder: Path | None


class UnfinishedCheckError(Exception):
    """The check ended before it was done; `report` holds what was found."""

    def __init__(self, report: CheckReport, reason: str | None) -> None:
        super().__init__(reason)
        self.report = report
        self.reason = reason
        """Why; None where the person ended it."""


def heading_of(title: str, target: Target) -> str:
    """Return the line that says what is compared, and where."""
    where = machine.cpu_model() if target.device == "cpu" else target.device
    return f"{title} · {where} · {formatting.counted(target.threads, 'thread')} · {target.runtime}"


@dataclass
class CheckSession:
    """A check of two versions under way."""

    request: CheckRequest
    pairs: tuple[Pair, ...]
    pythons: Mapping[Side, str]
    """Base's and head's interpreter."""
    tools: Tools
    folder: CheckFolder
    stack: ExitStack
    begun_s: float = field(init=False)
    launchers: dict[str, Launcher] = field(default_factory=dict)
    surveys: dict[str, Survey] = field(default_factory=dict)
    together: bool = field(init=False)
    """Whether one process holds both versions."""
    why_apart: str | None = None
    failures: Failures = field(default_factory=Failures)
    last_s: float = 0.0
    """What the last launch took."""

    def __post_init__(self) -> None:
        self.begun_s = self.tools.clock()
        self.together = self.pythons[BASE] == self.pythons[HEAD] and not self.request.separate

    @property
    def threshold(self) -> float:
        """The least change that counts, as a fraction."""
        if self.request.threshold is not None:
            return self.request.threshold
        return rules.THRESHOLD_TOGETHER if self.together else rules.THRESHOLD_APART

    def launcher(self, side: str) -> Launcher:
        """Return what launches one side's processes, started when it is first asked for."""
        if side not in self.launchers:
            python = self.pythons[HEAD if side == HEAD else BASE]
            self.launchers[side] = self.stack.enter_context(self.tools.workers(python=python, renew=RENEW))
        return self.launchers[side]

    def spent_s(self) -> float:
        """Return the seconds since the check began."""
        return self.tools.clock() - self.begun_s

    def say(self, doing: str) -> None:
        """Tell what is done now."""
        self.tools.observe(Progress(doing, self.spent_s(), self.request.budget_s))

    def failed_pairs(self) -> Iterator[str]:
        """Yield the names of pairs of which a network failed while it was timed."""
        yield from (pair for pair, _ in self.failures.by_key)
