"""Measure families: launch workers until every relative speed is precise or the budget runs out."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import groupby

from benchcli.backends.devices.base import PEAK_FLOAT32, device_named
from benchcli.errors import ChangedError
from benchcli.sampling.evidence import Evidence, of_family
from benchcli.sampling.summarise import ALWAYS_LAUNCHES, Context, another_launch, result
from benchcli.sampling.supervise import Survey
from benchcli.sampling.worker_reports import collect
from benchcli.schema import Family, FamilyResult, Plan, Target
from benchcli.schema.progress import Observer, Progress
from benchcli.schema.protocol import Launcher

START_UP_S = 0.75
"""Seconds of a launch, besides its samples, for which the default budget of a family is made."""
MOST_LONGER = 2.0
"""The most by which a budget grows: the default one on a slow core, each one by what `torch.compile` takes.

So as much is measured as on a quiet machine, or of networks that are not compiled.
"""
MOST_GROWTH = 4.0
"""The most by which a device that starts slowly makes the budget grow."""


@dataclass(frozen=True)
class Session:
    """What all families of a run share while they are measured."""

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
    live: Mapping[str, str] = field(default_factory=dict)
    """Networks that a caller gave by value."""


def measure(families: Sequence[Family], session: Session) -> Iterator[FamilyResult]:
    """Yield each family's result when it is done. A family's later result replaces an earlier one.

    The families of one guideline share their launches, so that all scales pay for one worker's
    start. Other families are launched alone. Each guideline has its families' share of the budget.
    At the end, the families whose intervals are still too wide get the unspent rest of the budget,
    and their results are yielded again.
    """
    budget, plan, wide = _Budget(session, len(families)), session.plan, list[Family]()
    evidence, launch = budget.evidence, partial(collect, session.launcher)
    for share in budget.shares(families, wide):
        # Pairs of a family and its variants that need more launches. A family whose variants all
        # failed in the survey needs none: it stays for one empty launch, which yields its failures.
        open_ = [(family, needed or family) for family, needed in evidence.needed_of(share.families)]
        before, done = evidence.launches, 0
        while open_ and another_launch(done, share.least, budget.has_time(share, done), plan):
            launched = [family for family, _ in open_]
            start_s = budget.announce(launched, done, share.least)
            try:
                evidence.launch([needed for _, needed in open_], launch)
            except ChangedError:
                if evidence.launches > before:
                    yield from (budget.result(family) for family in launched)
                raise
            budget.note_launch(launched, start_s)
            done += 1
            remaining = evidence.needed_of(launched)
            yield from (budget.result(family) for family, needed in remaining if needed is None)
            open_ = [(family, needed) for family, needed in remaining if needed]
        if evidence.launches > before:
            yield from (budget.result(family) for family, _ in open_)
        wide += [family for family, _ in open_]


@dataclass(frozen=True)
class _Share:
    """Families that share launches, and their part of the budget."""

    families: Sequence[Family]
    least: int = 0
    """The least launches, whatever the budget."""
    allotted: int | None = None
    """The number of families that had their part with these. None: the budget of all is left to them."""
    begun_s: float = 0.0


@dataclass
class _Budget:
    """The time that the families of a session have, what they have spent, and the evidence for it."""

    session: Session
    families: int
    evidence: Evidence = field(init=False)
    begun_s: float = field(init=False)
    family_s: float = field(init=False)
    """The budget of a family."""
    allotted: int = 0
    """The number of families that had their share so far. The first share includes the time of the survey."""
    waited_s: float = 0.0
    """How long launches waited for a core at its usual pace."""
    compiled_s: float = 0.0
    """How long `torch.compile` worked in launches. What it did in the survey is before `begun_s`."""
    longer: float = 1.0
    """The factor by which the budget has grown because they waited, or because of the compiler."""
    why_longer: str = ""
    last_s: float = 0.0
    """The duration of the last launch."""
    last_families: int = 0
    """The number of families in the last launch."""

    def __post_init__(self) -> None:
        session, survey = self.session, self.session.survey
        self.evidence = Evidence(session.target, session.plan, survey.costs, survey.failures, session.first_launch)
        self.evidence.live, self.evidence.artifacts = session.live, survey.artifacts
        self.evidence.exported = survey.exported
        self.evidence.compiles = bool(survey.compile_s)
        self.begun_s = session.clock() if session.begun_s is None else session.begun_s
        self.begun_s = min(self.begun_s + sum(survey.compile_s.values()), session.clock())
        self.family_s = session.plan.budget_s

    def shares(self, families: Sequence[Family], wide: Sequence[Family]) -> Iterator[_Share]:
        """Yield the families of each guideline, and at last those that are in `wide` by then."""
        for _, group in groupby(families, key=lambda family: family.guideline or family.group):
            several = list(group)
            self.allotted += len(several)
            yield _Share(several, ALWAYS_LAUNCHES, self.allotted, self._spent_s())
        if self.session.plan.launches is None:
            yield _Share(list(wide))

    def has_time(self, share: _Share, done: int) -> bool:
        """Return whether a share's budget leaves time for a launch that takes as long as the last one.

        The first launch of a new share has no last one.
        """
        if share.allotted is None:
            return self._spent_s() + self.last_s <= self._most_s()
        own_s = len(share.families) * self.family_s * self.longer
        until_s = min(share.allotted * self.family_s * self.longer, share.begun_s + own_s)
        return self._spent_s() + (self.last_s if done else 0.0) <= until_s

    def result(self, family: Family) -> FamilyResult:
        """Return the result of a family from the evidence so far."""
        session, survey = self.session, self.session.survey
        context = Context(
            session.name,
            session.suite,
            family.on(session.target),
            session.plan,
            survey.device.get(PEAK_FLOAT32),
            of_family(survey.codes, family.name),
            of_family(survey.noticed, family.name),
        )
        return result(context, family, self.evidence.known(family), self.evidence.first_of(family))

    def announce(self, families: Sequence[Family], done: int, least: int) -> float:
        """Report the next launch of these families, and when the run is expected to end; return the seconds so far."""
        spent_s, wanted = self._spent_s(), self.session.plan.launches
        names = "+".join(dict.fromkeys(family.guideline or family.name for family in families))
        ahead = max(0, (wanted or least) - done) * len(families) + (wanted or ALWAYS_LAUNCHES) * self._waiting()
        end_s = spent_s + ahead * (self.last_s / self.last_families if self.last_families else 0.0)
        most_s = end_s if wanted and self.last_families else max(self._most_s(), end_s)
        grown_s = self._most_s() * (1 - 1 / self.longer)
        why = f" (budget + {grown_s:.0f} s: {self.why_longer})" if grown_s >= 1 and not wanted else ""
        doing = f"{names}: {_of_launches(done + 1, least, wanted)}{why}"
        self.session.observer(Progress(doing, spent_s, most_s, is_estimate=wanted is not None))
        return spent_s

    def note_launch(self, families: Sequence[Family], start_s: float) -> None:
        """Note how long a launch took. The first one may make the budget grow."""
        spent_s = self._spent_s()
        self.last_s, self.last_families = spent_s - start_s, len(families)
        last = [each for family in families for each in self.evidence.conditions.get(family.name, ())[-1:]]
        self.waited_s += max((each.waited_s for each in last), default=0.0)
        self.compiled_s += sum(sum(each.compile_s.values()) for each in last)
        self._lengthen(spent_s)
        if self.evidence.launches == self.session.first_launch + 1:
            self.family_s *= self._growth(families)

    def _lengthen(self, spent_s: float) -> None:
        """Let the budget grow by the share of the time that the launches did not measure in."""
        apart_s = self.compiled_s + (self.waited_s if self.session.plan.grows else 0.0)
        if spent_s > apart_s:
            self.longer = min(MOST_LONGER, spent_s / (spent_s - apart_s))
            self.why_longer = "torch.compile works" if self.compiled_s > apart_s / 2 else "the core is slow"

    def _waiting(self) -> int:
        """Return the number of families that have not been launched yet."""
        return self.families - self.allotted

    def _growth(self, families: Sequence[Family]) -> float:
        """Return by which factor the start-up of the first launch makes the budget grow."""
        plan, device = self.session.plan, device_named(self.session.target.device)
        if not (plan.grows and device.starts_slowly):
            return 1.0
        known = [each for family in families for each in self.evidence.known(family).conditions]
        apart_s = sum(each.wall_s + sum(each.compile_s.values()) for each in known)  # later launches find it compiled
        return min(MOST_GROWTH, max(1.0, (self.last_s - apart_s) / len(families) / START_UP_S))

    def _most_s(self) -> float:
        return self.families * self.family_s * self.longer

    def _spent_s(self) -> float:
        return self.session.clock() - self.begun_s


def _of_launches(number: int, least: int, wanted: int | None) -> str:
    """Return which launch of how many comes: "launch 3 of 9", "launch 3 of at least 6"."""
    if wanted is not None:
        return f"launch {number} of {wanted}"
    return f"launch {number} of at least {least}" if number <= least else f"launch {number}, for narrower intervals"
