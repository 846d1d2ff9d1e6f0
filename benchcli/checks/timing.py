"""Measure a check's times: screen all networks, then launch those that are open until they are decided."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from statistics import mean, median

from benchcli import formatting
from benchcli.checks import alone, rules
from benchcli.checks.growth import growth
from benchcli.checks.pairs import CONTROL, Pair
from benchcli.checks.rules import Judgement
from benchcli.checks.session import CheckSession
from benchcli.checks.versions import BASE, HEAD
from benchcli.noise.diagnosis import host_bound, is_host_bound, of_launches, way_out
from benchcli.sampling.evidence import Evidence
from benchcli.sampling.interleave import Interleaving
from benchcli.sampling.worker_reports import Collect, Failures, collect
from benchcli.schema import Costs, Family, Key, Plan, Sample
from benchcli.schema.warnings import RunWarning
from benchcli.spelling import given
from benchcli.statistics import launch_log_means, launch_log_ratios, launch_log_seconds

LONGEST_S = 60.0
"""Within a launch, the sampling of a network stops after a quarter of this time.

The current round is finished first.
"""


@dataclass
class Times:
    """The times and judgements, by name of the pair."""

    judged: dict[str, Judgement] = field(default_factory=dict)
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Base's and head's seconds per call, whose ratio is the judged change."""
    counts: dict[str, int] = field(default_factory=dict)
    warnings: dict[RunWarning, None] = field(default_factory=dict)
    """The warnings of all pairs, each once."""
    cut: dict[str, str] = field(default_factory=dict)
    """Why a pair was not judged."""
    growths: dict[str, float] = field(default_factory=dict)
    """The bytes that each call of head leaves behind and one of base does not; none where none are left."""

    def give_up(self, why: str, names: Iterable[str]) -> None:
        """Remove the inconclusive judgements of these pairs and store why."""
        for name in names:
            if name not in self.judged or self.judged[name].outcome == "inconclusive":
                self.judged.pop(name, None)
                self.cut[name] = why


@dataclass(frozen=True)
class Stage:
    """A part of the measuring, for the progress."""

    name: str
    first: int
    """The number of its first launch."""
    launches: int
    after: int = 0
    """The most launches of what comes after it."""

    def launch(self, done: int) -> str:
        """Return which launch of how many comes after `done` of them."""
        return f"launch {done + 1} of {self.launches}" if done < self.launches else f"launch {done + 1}, to be certain"

    def left(self, done: int) -> int:
        """Return the most launches that are still to be made after `done` of this part."""
        return max(1, self.launches - done) + self.after


def take_times(session: CheckSession, pairs: Sequence[Pair], times: Times) -> None:
    """Judge the time of every pair, and update `times` after every step."""
    families = {pair.name: pair.together() for pair in pairs}
    if families:
        screen = _screen(session, families, times)
        suspects = {name: f for name, f in families.items() if name not in times.judged or not _is_same(times, name)}
        _confirm(session, screen, suspects, len(families), times)


def _screen(session: CheckSession, families: Mapping[str, Family], times: Times) -> Evidence:
    """Judge every pair by a few launches.

    If one process cannot run both versions, though each ran alone, or if they compare differently in
    processes of their own, the launches so far do not count, and both versions get separate processes.
    """
    screen, first = _evidence(session, 0), 0
    _launch(session, screen, families, 1, _screening(session, 0))
    _say_what_is_too_short(session)
    failed = next(iter(session.failures.by_key.values()), None)
    if session.together and failed:
        screen, first = _apart(session, failed.error, screen)
    _launch(session, screen, families, first + rules.SCREEN_LAUNCHES, _screening(session, first))
    if session.together and not session.failures.by_key:
        why = _why_apart(session, families, screen)
        if why is None:
            times.counts |= {"screened": len(families), "screenings": screen.launches - first}
            return screen  # nothing is judged: it is not known whether processes of their own agree
        if why:
            screen, first = _apart(session, why, screen)
            _launch(session, screen, families, first + rules.SCREEN_LAUNCHES, _screening(session, first))
    times.counts |= {"screened": len(families), "screenings": screen.launches - first}
    for name, family in families.items():
        _judge(session, name, family, [screen], len(families), times)
    return screen


def _say_what_is_too_short(session: CheckSession) -> None:
    """Say that no time will be judged, where a first launch shows that the time limit allows too few of them."""
    left = rules.SCREEN_LAUNCHES - 1 + (len(alone.SIDES) if session.together else 0)
    needed_s = session.spent_s() + left * session.last_s
    if session.last_s and needed_s > session.request.budget_s:
        session.tools.notify(
            f"the time limit of {formatting.seconds(session.request.budget_s)} is too short to judge a time: a launch "
            f"takes {formatting.seconds(session.last_s)}, and {left} more are the least: give "
            f"{given('time_limit', f'{math.ceil(1.2 * needed_s)}s')}"
        )


def _screening(session: CheckSession, first: int) -> Stage:
    return Stage("screening", first, rules.SCREEN_LAUNCHES, session.request.launches)


def _apart(session: CheckSession, why: str, made: Evidence) -> tuple[Evidence, int]:
    """Give both versions separate processes; return new evidence, and the number of its first launch."""
    session.together, session.why_apart = False, why
    session.failures = Failures()
    return _evidence(session, made.launches), made.launches


def _why_apart(session: CheckSession, families: Mapping[str, Family], screen: Evidence) -> str | None:
    """Return why one process cannot compare the versions, found by launches of each version alone.

    An empty string if it can; None if there was no time to find out. Launches of both and of each take
    turns, until they agree and are settled, so that load in some of them neither looks like an effect nor
    hides one.
    """
    together = [screen, _evidence(session, screen.launches)]
    apart = {side: _evidence(session, screen.launches) for side in alone.SIDES}
    for each in apart.values():
        each.failures, each.rounds, each.keeps_settings = Failures(), alone.ROUNDS, True
    asked, why = list(families.values()), ""
    for number in range(alone.LAUNCHES):
        for side, lone in apart.items():
            if not _has_time(session):
                return None
            session.say(f"{side} alone: launch {number + 1} of at most {alone.LAUNCHES}")
            lone.launch([alone.of_side(family, side) for family in asked], partial(collect, session.launcher(side)))
            if lone.failures.by_key:
                return f"{side} fails alone: {next(iter(lone.failures.by_key.values())).error}"
        found = alone.compared(asked, together, apart)
        why = found.why_not if found else ""
        if found is None or found.agrees:
            break
        if number + 1 < alone.LAUNCHES:
            together[1].launch(asked, _collecting(session))
    return why


def _confirm(
    session: CheckSession, screen: Evidence, families: Mapping[str, Family], networks: int, times: Times
) -> None:
    """Launch the open pairs again, and judge each after every launch, until it is not inconclusive.

    All launches count, those of the screen included. The pairs that are still open after the least
    number of launches get further ones until `rules.UNTIL_S`.
    """
    needed = session.request.launches
    fresh = _evidence(session, screen.launches)
    still_open, last = dict(families), screen.launches + needed
    while still_open and (fresh.launches < last or session.spent_s() < rules.UNTIL_S):
        launches = fresh.launches
        _launch(session, fresh, still_open, launches + 1, Stage("confirming", screen.launches, needed))
        if fresh.launches == launches:
            break
        for name, family in list(still_open.items()):
            judgement = _judge(session, name, family, [screen, fresh], networks, times)
            if judgement is None or judgement.outcome != "inconclusive":
                del still_open[name]
    made = fresh.launches - screen.launches
    times.counts |= {"confirmed": len(families), "confirmations": made}
    if made < needed:
        for name in still_open:
            times.judged.pop(name, None)
            times.cut[name] = (
                f"the time limit ended the check after {made} of {needed} confirming launches: "
                f"give a larger {given('time_limit')}"
            )


def _is_same(times: Times, name: str) -> bool:
    return times.judged[name].outcome == "same"


def _judge(
    session: CheckSession,
    name: str,
    family: Family,
    evidence: Sequence[Evidence],
    networks: int,
    times: Times,
) -> Judgement | None:
    """Judge one pair of a check of so many `networks` by all of this evidence; store and return the judgement.

    None if a side has no samples or failed.
    """
    measured = [each.known(family) for each in evidence]
    samples = {side: [s for part in measured for s in part.samples.get(side, ())] for side in (BASE, CONTROL, HEAD)}
    times.judged.pop(name, None)
    if not all(samples.values()) or name in session.failed_pairs():
        return None
    base, control, head = samples[BASE], samples[CONTROL], samples[HEAD]
    changes, controls = launch_log_ratios(head, base), launch_log_ratios(control, base)
    least = rules.SCREEN_LAUNCHES + session.request.launches
    judgement = rules.judge(changes, controls, session.threshold, networks, least)
    means = launch_log_means(head, base), launch_log_means(control, base)
    judgement = rules.with_mean(judgement, *means, networks)
    conditions = [each for part in measured for each in part.conditions]
    if grown := growth(samples, conditions):
        times.growths[name] = grown
    if judgement.outcome == "same" and (is_host_bound(base) or is_host_bound(head)):
        other = way_out(host_bound(session.request.target))
        times.cut[name] = f"the host was timed, and not the device, which may be slower in head: give {other}"
        return None
    times.judged[name] = replace(judgement, left_out=len({each.launch for each in head}) - judgement.launches)
    times.seconds[name] = _seconds_of(base, head, judgement.change.estimate)
    times.warnings |= dict.fromkeys(of_launches(conditions, session.request.target.threads))
    return judgement


def _seconds_of(base: Sequence[Sample], head: Sequence[Sample], change: float) -> tuple[float, float]:
    """Return base's and head's seconds per call, whose ratio is the paired change.

    Medians of each side's own samples could contradict the change. The geometric mean of both
    medians is therefore split by the change.
    """
    middle = mean(median(launch_log_seconds(samples).values()) for samples in (base, head))
    half = math.log(change) / 2
    return math.exp(middle - half), math.exp(middle + half)


def _evidence(session: CheckSession, launches: int) -> Evidence:
    """Return empty evidence whose launches are numbered from `launches`."""
    costs: dict[Key, Costs] = {}
    for surveyed in session.surveys.values():
        costs |= surveyed.costs
    costs |= {(pair, CONTROL): base_costs for (pair, side), base_costs in costs.items() if side == BASE}
    plan = Plan(budget_s=LONGEST_S)
    return Evidence(session.request.target, plan, costs, session.failures, launches, 0.0, rules.ROUNDS, True)


def _launch(
    session: CheckSession, evidence: Evidence, families: Mapping[str, Family], until: int, stage: Stage
) -> None:
    """Launch until `evidence` has `until` launches or the budget is spent."""
    collecting = _collecting(session)
    while evidence.launches < until and _has_time(session):
        failed = set(session.failed_pairs())
        running = [family for name, family in families.items() if name not in failed]
        if not running:
            return
        start_s = session.spent_s()
        done = evidence.launches - stage.first
        session.say(
            f"{stage.name} {formatting.counted(len(running), 'network')}: {stage.launch(done)}", stage.left(done)
        )
        evidence.launch(running, collecting)
        session.folder.keep(evidence, evidence.launches - 1)
        session.last_s = session.spent_s() - start_s


def _has_time(session: CheckSession) -> bool:
    """Return whether the time limit leaves time for another launch."""
    return session.spent_s() + session.last_s <= session.request.budget_s


def _collecting(session: CheckSession) -> Collect:
    """Return what makes a launch of both versions: in one process, or in one for each side."""
    if session.together:
        return partial(collect, session.launcher(BASE))
    return Interleaving({side: session.launcher(side) for side in (BASE, CONTROL, HEAD)}).collect
