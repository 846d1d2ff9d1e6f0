"""Measure families: launch workers until every relative speed is precise or the budget runs out."""

import time
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from benchcli.backends.devices.base import DEVICES, PEAK_FLOAT32, split_name
from benchcli.sampling.evidence import Evidence, of_family, taker
from benchcli.sampling.summarise import ALWAYS_LAUNCHES, Context, another_launch, result
from benchcli.sampling.supervise import Survey
from benchcli.schema import Family, FamilyResult, Plan, Target
from benchcli.schema.progress import Observer, Progress
from benchcli.schema.protocol import Launcher

START_UP_S = 0.75
"""Seconds of a launch, besides its samples, for which the default budget of a family is made."""
MOST_GROWTH = 4.0
"""The most by which a device that starts slowly makes the budget grow."""


@dataclass(frozen=True)
class Run:
    """What all families of a run share."""

    name: str
    suite: str
    target: Target
    plan: Plan
    survey: Survey
    launcher: Launcher
    observer: Observer
    clock: Callable[[], float] = time.monotonic
    begun_s: float | None = None
    """The time on `clock` at which the budget starts. None means when measuring starts."""
    first_launch: int = 0
    """The number of the first launch. A resumed run continues the earlier numbers."""


def measure(families: Sequence[Family], run: Run) -> Iterator[FamilyResult]:
    """Yield each family's result when it is done. A family's later result replaces an earlier one.

    The families of one guideline share their launches, so that all scales pay for one worker's
    start. Other families are launched alone. Each guideline has its families' share of the budget.
    At the end, the families whose intervals are still too wide get the unspent rest of the budget,
    and their results are yielded again.
    """
    engine = _Engine(run, len(families))
    wide: list[Family] = []
    for _, group in groupby(families, key=lambda family: family.guideline or family.group):
        wide += yield from engine.first(list(group))
    if run.plan.launches is None:
        yield from engine.again(wide)


@dataclass
class _Engine:
    """Launches families while the budget lasts, and collects the results in `evidence`."""

    run: Run
    families: int
    evidence: Evidence = field(init=False)
    begun_s: float = field(init=False)
    family_s: float = field(init=False)
    """The budget of a family."""
    allotted: int = 0
    """The number of families that had their share so far. The first share includes the time of the survey."""
    last_s: float = 0.0
    """The duration of the last launch."""
    last_families: int = 0
    """The number of families in the last launch."""

    def __post_init__(self) -> None:
        run = self.run
        self.evidence = Evidence(run.target, run.plan, run.survey.costs, run.survey.failures, run.first_launch)
        self.begun_s = run.clock() if run.begun_s is None else run.begun_s
        self.family_s = run.plan.budget_s

    def first(self, families: list[Family]) -> Generator[FamilyResult, None, list[Family]]:
        """Launch families within their share of the budget and yield the result of each.

        Return the families whose intervals are still too wide.
        """
        self.allotted += len(families)
        allotted, begun_s = self.allotted, self._spent_s()

        def until_s() -> float:
            return min(allotted * self.family_s, begun_s + len(families) * self.family_s)

        wide = yield from self._launch(families, until_s, ALWAYS_LAUNCHES)
        yield from map(self.result, wide)
        return wide

    def again(self, wide: list[Family]) -> Iterator[FamilyResult]:
        """Launch the families that are still too wide, within the whole budget.

        Yield the results of the families that got more launches.
        """
        before = self.evidence.launches
        left = yield from self._launch(wide, self._most_s, 0, self.last_s)
        if self.evidence.launches > before:
            yield from map(self.result, left)

    def result(self, family: Family) -> FamilyResult:
        """Return the result of a family from the evidence so far."""
        run = self.run
        context = Context(
            run.name,
            run.suite,
            family.on(run.target),
            run.plan,
            run.survey.device.get(PEAK_FLOAT32),
            of_family(run.survey.codes, family.name),
        )
        return result(context, family, self.evidence.known(family), self.evidence.first_of(family))

    def _launch(
        self, families: list[Family], until_s: Callable[[], float], least: int, last_s: float = 0.0
    ) -> Generator[FamilyResult, None, list[Family]]:
        # Pairs of a family and its variants that need more launches. A family whose variants all
        # failed in the survey needs none: it stays for one empty launch, which yields its failures.
        open_, done = [(family, needed or family) for family, needed in self.evidence.needed_of(families)], 0
        while open_ and another_launch(done, least, self._spent_s() + last_s <= until_s(), self.run.plan):
            start_s = self._spent_s()
            self._tell([family for family, _ in open_], done, least, start_s)
            self.evidence.launch([needed for _, needed in open_], taker(self.run.launcher))
            done, last_s = done + 1, self._spent_s() - start_s
            self.last_s, self.last_families = last_s, len(open_)
            if self.evidence.launches == self.run.first_launch + 1:
                self.family_s *= self._growth([family for family, _ in open_], last_s)
            remaining = self.evidence.needed_of([family for family, _ in open_])
            open_ = [(family, needed) for family, needed in remaining if needed]
            yield from (self.result(family) for family, needed in remaining if needed is None)
        return [family for family, _ in open_]

    def _tell(self, families: Sequence[Family], done: int, least: int, spent_s: float) -> None:
        """Report the next launch of these families, and when the whole run is expected to end."""
        names = "+".join(dict.fromkeys(family.guideline or family.name for family in families))
        given = self.run.plan.launches
        ahead = max(0, (given or least) - done) * len(families) + (given or ALWAYS_LAUNCHES) * self._waiting()
        end_s = spent_s + ahead * (self.last_s / self.last_families if self.last_families else 0.0)
        most_s = end_s if given and self.last_families else max(self._most_s(), end_s)
        doing = f"{names}: {_of_launches(done + 1, least, given)}"
        self.run.observer(Progress(doing, spent_s, most_s, is_estimate=given is not None))

    def _waiting(self) -> int:
        """Return the number of families that have not been launched yet."""
        return self.families - self.allotted

    def _growth(self, families: list[Family], launch_s: float) -> float:
        """Return by which factor the start-up of the first launch makes the budget grow."""
        plan, device = self.run.plan, DEVICES[split_name(self.run.target.device)[0]]
        if not (plan.grows and device.starts_slowly):
            return 1.0
        sampled_s = sum(each.wall_s for family in families for each in self.evidence.known(family).conditions)
        return min(MOST_GROWTH, max(1.0, (launch_s - sampled_s) / len(families) / START_UP_S))

    def _most_s(self) -> float:
        return self.families * self.family_s

    def _spent_s(self) -> float:
        return self.run.clock() - self.begun_s


def _of_launches(number: int, least: int, given: int | None) -> str:
    """Return which launch of how many comes: "launch 3 of 9", "launch 3 of at least 6"."""
    if given is not None:
        return f"launch {number} of {given}"
    return f"launch {number} of at least {least}" if number <= least else f"launch {number}, for narrower intervals"
