"""Take a check's times: screen all networks, and confirm by fresh launches what is not plainly the same."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import median

from benchcli.check import rules
from benchcli.check.pairs import CONTROL, Pair
from benchcli.check.rules import Judgement
from benchcli.check.session import CheckSession
from benchcli.check.versions import BASE, HEAD
from benchcli.measure.diagnostics import disturbances
from benchcli.measure.interleave import interleave
from benchcli.measure.launches import Evidence, Taker, taker
from benchcli.measure.supervise import Failures
from benchcli.schema import Costs, Family, Key, Plan, Sample
from benchcli.statistics import launch_log_ratios, launch_log_seconds

LONGEST_S = 60.0
"""A launch's sampling of one network ends with the round under way after a quarter of this."""
LEAST_SAME = 6
"""After the screen, so many launches at the least say that a network is the same."""


@dataclass
class Times:
    """What was found of each pair, by name."""

    judged: dict[str, Judgement] = field(default_factory=dict)
    seconds: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Base's and head's, a call."""
    counts: dict[str, int] = field(default_factory=dict)
    warnings: dict[str, None] = field(default_factory=dict)
    cut: dict[str, str] = field(default_factory=dict)
    """Pairs that were not judged, and why."""

    def give_up(self, why: str, names: Iterable[str]) -> None:
        """Take back what is not settled of these pairs."""
        for name in names:
            if name not in self.judged or self.judged[name].outcome == "inconclusive":
                self.judged.pop(name, None)
                self.cut[name] = why


def take_times(session: CheckSession, pairs: Sequence[Pair], times: Times) -> None:
    """Judge the time of every pair, and keep what is found in `times` as it comes."""
    families = {pair.name: pair.together() for pair in pairs}
    if families:
        screen = _screen(session, families, times)
        still_open = {name: f for name, f in families.items() if name not in times.judged or not _is_same(times, name)}
        _confirm(session, screen, still_open, times)


def _screen(session: CheckSession, families: Mapping[str, Family], times: Times) -> Evidence:
    """Judge by a few launches.

    Where the first shows that one process cannot hold both versions, though each was fine alone, it does not count, and
    they get processes of their own.
    """
    screen = _evidence(session, 0)
    _launch(session, screen, families, 1, "screening")
    failed = next(iter(session.failures.by_key.values()), None)
    first = 0
    if session.together and failed:
        session.together, session.why_apart = False, failed.error
        session.failures = Failures()
        first = screen.launches
        screen = _evidence(session, first)
    _launch(session, screen, families, first + rules.SCREEN_LAUNCHES, "screening")
    times.counts |= {"screened": len(families), "screenings": screen.launches - first}
    for name, family in families.items():
        _note(session, name, family, [screen], times)
    return screen


def _confirm(session: CheckSession, screen: Evidence, families: Mapping[str, Family], times: Times) -> None:
    """Launch what is open until it is the same, and judge by these launches alone, once, what is not.

    After that, while the check is young, further launches can only show what is inconclusive to be the same: a change
    is not looked for again and again.
    """
    wanted = rules.confirmations(session.request.launches, max(1, len(families)))
    fresh = _evidence(session, screen.launches)
    still_open, enough = dict(families), screen.launches + wanted
    while still_open and (fresh.launches < enough or session.spent_s() < rules.UNTIL_S):
        made = fresh.launches
        _launch(session, fresh, still_open, made + 1, "confirming")
        if fresh.launches == made:
            break
        for name, family in list(still_open.items()):
            found = _note(session, name, family, [screen, fresh], times)
            if found and fresh.launches == enough and found.outcome != "same":
                found = _note(session, name, family, [fresh], times, wanted)
            if found is None or found.outcome != "inconclusive":
                del still_open[name]
    made = fresh.launches - screen.launches
    times.counts |= {"confirmed": len(families), "confirmations": made}
    if made < wanted:
        for name in still_open:
            times.judged.pop(name, None)
            times.cut[name] = f"the budget ended after {made} of {wanted} launches that confirm: give a larger --budget"


def _is_same(times: Times, name: str) -> bool:
    return times.judged[name].outcome == "same"


def _note(
    session: CheckSession,
    name: str,
    family: Family,
    evidence: Sequence[Evidence],
    times: Times,
    wanted: int | None = None,
) -> Judgement | None:
    """Judge one pair by all of this evidence, and keep it; only with `wanted` launches can it be a change."""
    known = [each.known(family) for each in evidence]
    taken = {side: [s for of in known for s in of.samples.get(side, ())] for side in (BASE, CONTROL, HEAD)}
    times.judged.pop(name, None)
    if not all(taken.values()) or name in session.failed_pairs():
        return None
    base, control, head = taken[BASE], taken[CONTROL], taken[HEAD]
    changes, controls = launch_log_ratios(head, base), launch_log_ratios(control, base)
    found = rules.judge(changes, controls, session.threshold, wanted or len(changes) + 1)
    is_early = found.launches < (LEAST_SAME if len(evidence) > 1 else rules.SCREEN_LAUNCHES)
    if wanted is None and (found.outcome in {"slower", "faster"} or (is_early and found.outcome == "same")):
        found = replace(found, outcome="inconclusive")
    times.judged[name] = found
    times.seconds[name] = (_median_s(base), _median_s(head))
    met = [each for of in known for each in of.conditions]
    times.warnings |= dict.fromkeys(disturbances(met, session.request.target.threads))
    return found


def _median_s(samples: Sequence[Sample]) -> float:
    return math.exp(median(launch_log_seconds(samples).values()))


def _evidence(session: CheckSession, launches: int) -> Evidence:
    """Return evidence without any, whose launches are numbered from there."""
    costs: dict[Key, Costs] = {}
    for found in session.surveys.values():
        costs |= found.costs
    costs |= {(pair, CONTROL): counted for (pair, side), counted in costs.items() if side == BASE}
    plan = Plan(budget_s=LONGEST_S)
    return Evidence(session.request.target, plan, costs, session.failures, launches, 0.0, rules.ROUNDS, True)


def _launch(session: CheckSession, evidence: Evidence, families: Mapping[str, Family], until: int, doing: str) -> None:
    """Launch up to that number, or until the budget is spent."""
    while evidence.launches < until and session.spent_s() + session.last_s <= session.request.budget_s:
        gone = set(session.failed_pairs())
        whole = [family for name, family in families.items() if name not in gone]
        if not whole:
            return
        start_s = session.spent_s()
        session.say(f"{doing} {len(whole)}: launch {evidence.launches + 1}")
        evidence.launch(whole, _taker(session))
        session.folder.keep(evidence, evidence.launches - 1)
        session.last_s = session.spent_s() - start_s


def _taker(session: CheckSession) -> Taker:
    if session.together:
        return taker(session.launcher(BASE))
    return interleave({side: session.launcher(side) for side in (BASE, CONTROL, HEAD)})
