"""Hold a suite against a recorded run of it: costs exactly, and relative speeds where the machine is the same.

Absolute times of two moments are not compared: on a shared machine they differ by more than most changes do.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from benchcli import formatting
from benchcli.analysis.comparison import ratio, surely
from benchcli.check import rules
from benchcli.check.findings import Finding, Outcome, Subject
from benchcli.check.judging import costs_outcome
from benchcli.runs.read import Recorded
from benchcli.schema import Costs, Failure, Family, Interval, Key, Record

THETA = 0.05
"""The least change of a relative speed that counts: more than `check --base` asks, for moments differ too."""


@dataclass(frozen=True)
class Now:
    """What the suite is today."""

    families: tuple[Family, ...]
    costs: Mapping[Key, Costs]
    failures: Mapping[Key, Failure]
    timed: bool
    """Whether times were taken, or should have been."""
    records: Mapping[Key, Record]
    untimed: str | None
    """Why not; None where it was, or was not asked for."""


def against(then: Recorded, now: Now, theta: float, allowed: tuple[str, ...]) -> Iterator[Finding]:
    """Yield what is to be said of every network of the suite and of the recorded run."""
    before = then.by_key()
    today = {(family.name, variant.name): family for family in now.families for variant in family.variants}
    for key in dict.fromkeys([*today, *before]):
        yield from _of_network(key, before.get(key), today.get(key), now, theta, allowed)


def _of_network(
    key: Key, before: Record | None, family: Family | None, now: Now, theta: float, allowed: tuple[str, ...]
) -> Iterator[Finding]:
    def found(subject: Subject, outcome: Outcome, text: str, change: Interval | None = None) -> Finding:
        is_allowed = subject != "time" and (outcome if subject == "network" else subject) in allowed
        return Finding(*key, subject, outcome, text, _builder(key, before, family), change=change, allowed=is_allowed)

    if before is None or before.failure:
        why = "the baseline has it not" if before is None or before.failure is None else before.failure.error
        yield found("network", "new", f"there is nothing to compare it with: {why}")
    elif family is None:
        yield found("network", "gone", "the baseline has it, and the suite has it no more")
    elif other := _other(before, family, key):
        yield found("network", "gone", f"the suite measures something else under its name: {other}")
    elif key in now.failures:
        failure = now.failures[key]
        yield found("network", "failed", f"the baseline ran it, and it fails now ({failure.status}): {failure.error}")
    else:
        yield found("costs", *_costs(before, now.costs[key]))
        if now.untimed:
            yield found("time", "unmeasured", now.untimed)
        elif now.timed and family.baseline != key[1]:
            record = now.records.get(key)
            judged = _time(before, record, theta) if record else ("unmeasured", "the check ended before it", None)
            yield found("time", *judged)


def _builder(key: Key, before: Record | None, family: Family | None) -> str:
    variants = (*(family.variants if family else ()), *([before.variant] if before else []))
    return next(variant.builder for variant in variants if variant.name == key[1])


def _other(before: Record, family: Family, key: Key) -> str | None:
    """Say what of the input differs, so that a ratio would be of different work."""
    variant = next(each for each in family.variants if each.name == key[1])
    then = before.family
    for name in ("batch", "dtype", "layout", "baseline"):
        if getattr(then, name) != getattr(family, name):
            return f"{name} {getattr(then, name)} then, {getattr(family, name)} now"
    if before.variant.shape != variant.shape:
        return f"an input of {before.variant.shape} then, {variant.shape} now"
    return None


def _costs(before: Record, now: Costs) -> tuple[Outcome, str]:
    if before.costs is None:
        return "unmeasured", "the baseline has no costs"
    return costs_outcome(before.costs, now)


def _time(before: Record, now: Record, theta: float) -> tuple[Outcome, str, Interval | None]:
    """Judge a relative speed by its change: the whole interval must lie beyond theta."""
    then, today = before.timing, now.timing
    if now.failure:
        return "failed", f"the baseline ran it, and it fails now ({now.failure.status}): {now.failure.error}", None
    if today is None or today.relative is None:
        return "unmeasured", "it has no relative speed now: its family's first network has no time", None
    if then is None or then.relative is None:
        return "unmeasured", "the baseline has no relative speed", None
    change = ratio(then.relative, today.relative)
    speeds = f"relative speed {then.relative.estimate:.3f} then, {today.relative.estimate:.3f} now"
    text = f"{formatting.change(change)} against its family's baseline ({speeds})"
    sure, bound = surely(change), rules.bound(theta)
    if sure > bound:
        return ("slower" if change.estimate > 1 else "faster"), text, change
    if rules.lies_inside(change, theta):
        return "same", text, change
    return "inconclusive", f"{text}; neither inside {formatting.percent(theta)} nor beyond", change
