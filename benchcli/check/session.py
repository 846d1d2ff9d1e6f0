"""A check under way: what was asked, what it is done with, and what is shared by its parts."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field

from benchcli.check import rules
from benchcli.check.folder import CheckFolder
from benchcli.check.pairs import BASE, HEAD, Pair
from benchcli.measure.engine import Observer, Progress
from benchcli.measure.process import Launcher
from benchcli.measure.supervise import Casualties
from benchcli.measure.survey import Survey
from benchcli.schema import Target


@dataclass(frozen=True)
class CheckRequest:
    """What to check, how, and how long."""

    pairs: tuple[Pair, ...]
    target: Target
    pythons: Mapping[str, str]
    """Base's and head's interpreter."""
    theta: float | None
    """The least slowdown that counts; None: by whether one process holds both."""
    launches: int
    budget_s: float
    separate: bool
    """Whether base and head are to be in processes of their own, even where one could hold both."""
    costs_only: bool
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class CheckTools:
    """What a check is done with."""

    workers: Callable[[str, int], AbstractContextManager[Launcher]]
    """Takes an interpreter, and how many launches its nursery is good for."""
    observer: Observer
    clock: Callable[[], float] = time.monotonic


RENEW = 4
"""Launches of one nursery share where its libraries lie: base and head must not differ by that all check long."""


@dataclass
class UnderWay:
    """A check under way."""

    request: CheckRequest
    tools: CheckTools
    folder: CheckFolder
    stack: ExitStack
    begun_s: float = field(init=False)
    launchers: dict[str, Launcher] = field(default_factory=dict)
    surveys: dict[str, Survey] = field(default_factory=dict)
    together: bool = field(init=False)
    why_apart: str | None = None
    casualties: Casualties = field(default_factory=Casualties)
    last_s: float = 0.0
    """What the last launch took."""

    def __post_init__(self) -> None:
        self.begun_s = self.tools.clock()
        pythons = self.request.pythons
        self.together = pythons[BASE] == pythons[HEAD] and not self.request.separate

    @property
    def theta(self) -> float:
        """The least change that counts."""
        if self.request.theta is not None:
            return self.request.theta
        return rules.THETA_TOGETHER if self.together else rules.THETA_APART

    def launcher(self, side: str) -> Launcher:
        """Return what launches one side's workers, started when it is first asked for."""
        if side not in self.launchers:
            python = self.request.pythons[HEAD if side == HEAD else BASE]
            self.launchers[side] = self.stack.enter_context(self.tools.workers(python, RENEW))
        return self.launchers[side]

    def spent_s(self) -> float:
        """Return the seconds since the check began."""
        return self.tools.clock() - self.begun_s

    def say(self, doing: str) -> None:
        """Tell the observer."""
        self.tools.observer(Progress(doing, self.spent_s(), self.request.budget_s))
