"""Measure families: launch workers until every relative speed is precise or the budget is spent."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from benchcli.measure.launches import Evidence, taker
from benchcli.measure.process import Launcher
from benchcli.measure.summarise import ALWAYS_LAUNCHES, Context, another_launch, result
from benchcli.measure.supervise import Survey
from benchcli.measure.tools import Observer, Progress
from benchcli.schema import Family, FamilyResult, Plan, Target


@dataclass(frozen=True)
class Run:
    """What stays the same for all families of a run."""

    name: str
    suite: str
    target: Target
    plan: Plan
    survey: Survey
    launcher: Launcher
    observer: Observer
    clock: Callable[[], float] = time.monotonic
    begun_s: float | None = None
    """When the budget began to be spent, by that clock; None: when the measuring begins."""
    first_launch: int = 0
    """The number of the first launch: those of a run that is resumed go on."""


def measure(families: Sequence[Family], run: Run) -> Iterator[FamilyResult]:
    """Yield each family's result as it is done; a later result of a family takes the place of the earlier one.

    The families of one guideline share their launches, which pays a worker's start once for all scales; others are
    launched alone. Each guideline has its families' share of the budget; what some leave unspent goes, at the end, to
    the families that are still wide, and these are yielded again.
    """
    engine = _Engine(run, len(families) * run.plan.budget_s)
    wide: list[Family] = []
    for _, group in groupby(families, key=lambda family: family.guideline or family.name):
        wide += yield from engine.first(list(group))
    if run.plan.launches is None:
        yield from engine.again(wide)


@dataclass
class _Engine:
    """Launches families while there is time; what was learnt is in the evidence."""

    run: Run
    most_s: float
    evidence: Evidence = field(init=False)
    begun_s: float = field(init=False)
    allotted_s: float = 0.0
    """What the guidelines so far might spend, the survey before them counted in."""
    last_s: float = 0.0
    """What the last launch took."""

    def __post_init__(self) -> None:
        run = self.run
        self.evidence = Evidence(run.target, run.plan, run.survey.costs, run.survey.failures, run.first_launch)
        self.begun_s = run.clock() if run.begun_s is None else run.begun_s

    def first(self, families: list[Family]) -> Generator[FamilyResult, None, list[Family]]:
        """Launch families within their share of the budget; yield all of them, and return what is still wide."""
        share_s = self.run.plan.budget_s * len(families)
        self.allotted_s += share_s
        until_s = min(self.allotted_s, self._spent_s() + share_s)
        wide = yield from self._launch(families, until_s, ALWAYS_LAUNCHES)
        yield from map(self.result, wide)
        return wide

    def again(self, wide: list[Family]) -> Iterator[FamilyResult]:
        """Launch what is still wide within the whole budget, and yield what has more launches than before."""
        before = self.evidence.launches
        left = yield from self._launch(wide, self.most_s, 0, self.last_s)
        if self.evidence.launches > before:
            yield from map(self.result, left)

    def result(self, family: Family) -> FamilyResult:
        """Return the family's records."""
        run = self.run
        return result(Context(run.name, run.suite, run.target, run.plan), family, self.evidence.known(family))

    def _launch(
        self, families: list[Family], until_s: float, least: int, last_s: float = 0.0
    ) -> Generator[FamilyResult, None, list[Family]]:
        # Each family with what of it still needs launches; one that failed in the survey has nothing left, and is done.
        open_, done = [(family, self.evidence.needed(family) or family) for family in families], 0
        while open_ and another_launch(done, least, self._spent_s() + last_s <= until_s, self.run.plan):
            start_s = self._spent_s()
            names = "+".join(dict.fromkeys(family.guideline or family.name for family, _ in open_))
            doing = f"{names}: launch {self.evidence.launches + 1}"
            self.run.observer(Progress(doing, start_s, self.most_s))
            self.evidence.launch([needed for _, needed in open_], taker(self.run.launcher))
            done, last_s = done + 1, self._spent_s() - start_s
            self.last_s = last_s
            looked_at = [(family, self.evidence.needed(family)) for family, _ in open_]
            open_ = [(family, needed) for family, needed in looked_at if needed]
            yield from (self.result(family) for family, needed in looked_at if needed is None)
        return [family for family, _ in open_]

    def _spent_s(self) -> float:
        return self.run.clock() - self.begun_s
