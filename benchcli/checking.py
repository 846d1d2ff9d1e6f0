"""Check head against base: costs and outputs exactly, then time, screened and confirmed by fresh launches."""

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field, replace
from statistics import median
from typing import Any

from benchcli import gate
from benchcli.check_folder import CheckFolder
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.findings import Finding, ordered
from benchcli.gate import Judgement
from benchcli.judging import Known, findings
from benchcli.measure.apart import apart
from benchcli.measure.attend import Casualties, Key
from benchcli.measure.disturbances import disturbances
from benchcli.measure.engine import Observer, Progress
from benchcli.measure.evidence import Evidence, Taker, taker
from benchcli.measure.process import Launcher
from benchcli.measure.survey import Survey, survey
from benchcli.pairs import BASE, CONTROL, HEAD, Pair
from benchcli.schema import Costs, Family, Plan, Sample, Target
from benchcli.statistics import launch_log_ratios, launch_log_seconds

LONGEST_S = 60.0
"""A launch's sampling of one variant ends with the round under way after a quarter of this."""
HARDWARE = ("card", "driver", "memory_bytes", "processors")
"""Facts of a device that are the same whatever torch asks it."""


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

    workers: Callable[[str], AbstractContextManager[Launcher]]
    observer: Observer
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Checked:
    """What a check found, complete or not."""

    findings: tuple[Finding, ...]
    facts: Mapping[str, Any]
    """How it was done: what `environment.json` has besides."""
    warnings: tuple[str, ...]
    seconds: float
    finished: bool


@dataclass
class _Check:
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
    counts: dict[str, int] = field(default_factory=dict)
    judged: dict[str, Judgement] = field(default_factory=dict)
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    casualties: Casualties = field(default_factory=Casualties)
    warnings: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        self.begun_s = self.tools.clock()
        pythons = self.request.pythons
        self.together = pythons[BASE] == pythons[HEAD] and not self.request.separate

    @property
    def theta(self) -> float:
        """The least change that counts."""
        if self.request.theta is not None:
            return self.request.theta
        return gate.THETA_TOGETHER if self.together else gate.THETA_APART

    def launcher(self, side: str) -> Launcher:
        """Return what launches one side's workers, started when it is first asked for."""
        if side not in self.launchers:
            python = self.request.pythons[HEAD if side == HEAD else BASE]
            self.launchers[side] = self.stack.enter_context(self.tools.workers(python))
        return self.launchers[side]

    def spent_s(self) -> float:
        """Return the seconds since the check began."""
        return self.tools.clock() - self.begun_s

    def say(self, doing: str) -> None:
        """Tell the observer."""
        self.tools.observer(Progress(doing, self.spent_s(), self.request.budget_s))


def check(request: CheckRequest, tools: CheckTools, folder: CheckFolder) -> Iterator[Checked]:
    """Yield what is known after the exact part, and again after the time: what was found is never lost.

    Raises UserError where base and head cannot be compared, NothingMeasuredError where no worker runs.
    """
    with ExitStack() as stack:
        under_way = _Check(request, tools, folder, stack)
        _survey(under_way)
        yield _checked(under_way, finished=request.costs_only)
        if request.costs_only:
            return
        measurable = [pair for pair in request.pairs if _measurable(under_way, pair)]
        _time(under_way, measurable)
        yield _checked(under_way, finished=True)


def _survey(under_way: _Check) -> None:
    """Count base's and head's costs. Raises UserError where they are not on the same hardware."""
    request = under_way.request
    for side in (BASE, HEAD):
        under_way.say(f"counting {side}'s costs")
        families = [family for pair in request.pairs if (family := pair.family_of(side))]
        launcher = under_way.launcher(BASE if under_way.together else side)
        try:
            under_way.surveys[side] = survey(families, request.target, Plan(), launcher)
        except NothingMeasuredError as error:
            raise NothingMeasuredError(f"{side}: {error}") from None
    base, head = (under_way.surveys[side].device for side in (BASE, HEAD))
    for name in HARDWARE:
        if base.get(name) != head.get(name):
            raise UserError(
                f"base and head see different hardware ({name}: {base.get(name)} and {head.get(name)}), and cannot be "
                "compared: give both the same device"
            )


def _measurable(under_way: _Check, pair: Pair) -> bool:
    counted = all((pair.name, side) in under_way.surveys[side].costs for side in (BASE, HEAD))
    return counted and pair.other_input() is None


def _time(under_way: _Check, pairs: Sequence[Pair]) -> None:
    """Screen all pairs, and confirm by fresh launches those that are not plainly the same."""
    families = {pair.name: pair.together() for pair in pairs}
    if not families:
        return
    screened = _screen(under_way, families)
    suspects = {name: family for name, family in families.items() if not _is_same(under_way, name)}
    wanted = gate.confirmations(under_way.request.launches, len(suspects))
    confirming = _evidence(under_way, screened)
    _launch(under_way, confirming, suspects, screened + wanted, "confirming")
    if confirming.launches > screened:
        _judge(under_way, confirming, suspects, wanted)
        _narrow(under_way, confirming, suspects, wanted)
    under_way.counts |= {"suspects": len(suspects), "confirmations": confirming.launches - screened}


def _narrow(under_way: _Check, evidence: Evidence, suspects: Mapping[str, Family], wanted: int) -> None:
    """Launch what is inconclusive further, for it may be the same; a change is not looked for again and again."""
    until_s = min(gate.UNTIL_S, under_way.request.budget_s)
    while under_way.spent_s() < until_s:
        before = dict(under_way.judged)
        wide = {name: f for name, f in suspects.items() if name in before and before[name].outcome == "inconclusive"}
        made = evidence.launches
        _launch(under_way, evidence, wide, made + 1, "narrowing")
        if evidence.launches == made:
            return
        _judge(under_way, evidence, wide, wanted)
        for name in wide:
            if name in under_way.judged and under_way.judged[name].outcome in {"slower", "faster"}:
                under_way.judged[name] = replace(under_way.judged[name], outcome="inconclusive")


def _is_same(under_way: _Check, pair: str) -> bool:
    return pair in under_way.judged and under_way.judged[pair].outcome == "same"


def _screen(under_way: _Check, families: Mapping[str, Family]) -> int:
    """Judge by a few launches, and return how many were made.

    Where the first shows that one process cannot hold both versions, though each was fine alone, it does not count, and
    they get processes of their own.
    """
    screen = _evidence(under_way, 0)
    _launch(under_way, screen, families, 1, "screening")
    failed = next(iter(under_way.casualties.failures.values()), None)
    if under_way.together and failed:
        under_way.together, under_way.why_apart = False, failed.error
        under_way.casualties = Casualties()
        screen = _evidence(under_way, screen.launches)
    first = min((sample.launch for taken in screen.samples.values() for sample in taken), default=screen.launches)
    _launch(under_way, screen, families, first + gate.SCREEN_LAUNCHES, "screening")
    under_way.counts |= {"screened": len(families), "screenings": screen.launches - first}
    _judge(under_way, screen, families, under_way.request.launches)
    return screen.launches


def _evidence(under_way: _Check, launches: int) -> Evidence:
    """Return evidence without any, whose launches are numbered from there."""
    costs: dict[Key, Costs] = {}
    for found in under_way.surveys.values():
        costs |= found.costs
    costs |= {(pair, CONTROL): counted for (pair, side), counted in costs.items() if side == BASE}
    plan = Plan(budget_s=LONGEST_S)
    return Evidence(under_way.request.target, plan, costs, under_way.casualties, launches, 0.0, gate.ROUNDS)


def _launch(under_way: _Check, evidence: Evidence, families: Mapping[str, Family], until: int, doing: str) -> None:
    """Launch up to that number, or until the budget is spent."""
    last_s = 0.0
    while evidence.launches < until and under_way.spent_s() + last_s <= under_way.request.budget_s:
        gone = {pair for pair, _ in under_way.casualties.failures}
        whole = [family for name, family in families.items() if name not in gone]
        if not whole:
            return
        start_s = under_way.spent_s()
        under_way.say(f"{doing} {len(whole)}: {until - evidence.launches} launches left")
        evidence.launch(whole, _taker(under_way))
        under_way.folder.keep(evidence, evidence.launches - 1)
        last_s = under_way.spent_s() - start_s


def _taker(under_way: _Check) -> Taker:
    if under_way.together:
        return taker(under_way.launcher(BASE))
    return apart({side: under_way.launcher(side) for side in (BASE, CONTROL, HEAD)})


def _judge(under_way: _Check, evidence: Evidence, families: Mapping[str, Family], needed: int) -> None:
    """Judge what was launched, in place of what was said before."""
    codes = dict.fromkeys(under_way.warnings)
    for name, family in families.items():
        known = evidence.known(family)
        under_way.judged.pop(name, None)
        if set(known.samples) != {BASE, CONTROL, HEAD}:
            continue
        base, control, head = (known.samples[side] for side in (BASE, CONTROL, HEAD))
        changes, controls = launch_log_ratios(head, base), launch_log_ratios(control, base)
        under_way.judged[name] = gate.judge(changes, controls, under_way.theta, needed)
        under_way.seconds[name] = (_median_s(base), _median_s(head))
        codes |= dict.fromkeys(disturbances(known.conditions, under_way.request.target.threads))
    under_way.warnings = tuple(codes)


def _median_s(samples: Sequence[Sample]) -> float:
    return math.exp(median(launch_log_seconds(samples).values()))


def _checked(under_way: _Check, finished: bool) -> Checked:
    request = under_way.request
    known = Known(
        pairs=request.pairs,
        surveys=under_way.surveys,
        timed=finished and not request.costs_only,
        theta=under_way.theta,
        judged=under_way.judged,
        seconds=under_way.seconds,
        failures=under_way.casualties.failures,
        allowed=request.allowed,
    )
    base, head = under_way.surveys[BASE], under_way.surveys[HEAD]
    facts = {
        "together": under_way.together,
        "why_apart": under_way.why_apart,
        "theta": under_way.theta,
        "software": {BASE: dict(base.software), HEAD: dict(head.software)},
        "device": dict(head.device),
        **under_way.counts,
    }
    return Checked(ordered(findings(known)), facts, under_way.warnings, under_way.spent_s(), finished)
