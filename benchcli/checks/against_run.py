"""Derive findings from the current state of a suite and a recorded run of it."""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from benchcli import formatting
from benchcli.checks.findings import Finding, Outcome, Subject, costs_outcome, is_allowed
from benchcli.checks.pairs import difference
from benchcli.noise.diagnosis import host_was_timed
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Costs, Failure, Family, Interval, Key, Record, Variant
from benchcli.spelling import given
from benchcli.statistics import POWERFUL, quotient


class BesideSeries(Protocol):
    """What many earlier runs say of a network's time."""

    @property
    def change(self) -> Interval:
        """The new time over the level of the runs before."""

    @property
    def drifted(self) -> float | None:
        """The new time over that at the beginning of a slow drift; None if there is none."""

    @property
    def text(self) -> str:
        """What was compared, and with what."""


Judge = Callable[[Record], BesideSeries | str]
"""Says what many earlier runs say of a new record, or why they say nothing."""


@dataclass(frozen=True)
class Now:
    """The current state of the suite."""

    families: tuple[Family, ...]
    costs: Mapping[Key, Costs]
    failures: Mapping[Key, Failure]
    timed: bool
    """Whether the check measured times, or tried to."""
    records: Mapping[Key, Record]
    untimed: str | None
    """Why times were not measured; None if they were, or if only costs were requested."""
    hidden: Mapping[str, str] = field(default_factory=dict)
    """Why the times of a family tell nothing, by its name."""
    judge: Judge | None = None
    """What judges times by many runs; None to compare them with the recorded run alone."""


Timed = tuple[Outcome, str, Interval | None]
"""The outcome of a time, in words, and how it changed."""


def against(then: SuiteRun, now: Now, threshold: float, allowed: tuple[str, ...]) -> Iterator[Finding]:
    """Yield the findings on every network of the suite and of the recorded run."""
    before = then.by_key()
    today = {(family.name, variant.name): family for family in now.families for variant in family.variants}
    for key in dict.fromkeys([*today, *before]):
        yield from _network_findings(key, before.get(key), today.get(key), now, threshold, allowed)


def _network_findings(
    key: Key, before: Record | None, family: Family | None, now: Now, threshold: float, allowed: tuple[str, ...]
) -> Iterator[Finding]:
    def finding(subject: Subject, outcome: Outcome, text: str, change: Interval | None = None) -> Finding:
        builder, intended = _builder(key, before, family), is_allowed(subject, outcome, allowed)
        least = _detectable(change, threshold) if change else None
        return Finding(*key, subject, outcome, text, builder, change=change, detectable=least, allowed=intended)

    not_comparable = _why_not_compared(key, before, family, now)
    if not_comparable or before is None:
        yield finding(*(not_comparable or ("network", "new", "the recorded run does not have it")))
        return
    yield finding("costs", *_costs(before, now.costs[key]))
    if now.untimed:
        yield finding("time", "unmeasured", now.untimed)
    elif now.timed:
        record = now.records.get(key)
        result = (
            _time(before, record, threshold, now.judge) if record else ("unmeasured", "the check ended before it", None)
        )
        if (why := now.hidden.get(key[0])) and result[0] not in ("failed", "slower"):
            result = "unmeasured", why, None
        yield finding("time", *result)


def _why_not_compared(
    key: Key, before: Record | None, family: Family | None, now: Now
) -> tuple[Subject, Outcome, str] | None:
    """Return the subject and the outcome for a network that cannot be compared, with the reason; None if it can."""
    if before is None:
        return "network", "new", "there is nothing to compare it with: the recorded run does not have it"
    if family is None:
        return "network", "gone", "the recorded run has it, the suite does not"
    if other := _input_difference(before, family, key):
        return "input", "changed", f"measured on another input: {other}"
    if failure := now.failures.get(key):
        if before.failure:
            return "network", "unmeasured", f"it failed then, and fails now ({failure.status}): {failure.error}"
        why = f"the recorded run has a time of it, and it fails now ({failure.status}): {failure.error}"
        return "network", "failed", why
    return None


def _builder(key: Key, before: Record | None, family: Family | None) -> str:
    variants = (*(family.variants if family else ()), *([before.variant] if before else []))
    return next(variant.builder for variant in variants if variant.name == key[1])


def _input_difference(before: Record, family: Family, key: Key) -> str | None:
    """Return how the input differs; None if it does not. Ratios of different work mean nothing."""
    variant = next(each for each in family.variants if each.name == key[1])
    then, now = (
        {**of.inputs, "an input of": one.takes} for of, one in ((before.family, before.variant), (family, variant))
    )
    return difference(then, now, ("then", "now"))


def _costs(before: Record, now: Costs) -> tuple[Outcome, str]:
    if before.costs is None:
        return "unmeasured", "the baseline has no costs"
    return costs_outcome(before.costs, now)


def _time(before: Record, now: Record, threshold: float, judge: Judge | None) -> Timed:
    """Judge a change of time. It counts if its whole interval is beyond `threshold`."""
    if now.failure and before.failure:
        return "unmeasured", f"it failed then, and fails now ({now.failure.status}): {now.failure.error}", None
    if before.failure:
        return "unmeasured", f"it failed when the run was recorded: {before.failure.error}; record the run again", None
    if now.failure:
        return (
            "failed",
            f"the recorded run has a time of it, and it fails now ({now.failure.status}): {now.failure.error}",
            None,
        )
    if reason := _why_not_comparable(before, now):
        return "unmeasured", reason, None
    if judge is None:
        return _beside_run(before, now, threshold)
    said = judge(now)
    if not isinstance(said, str):
        return _judged(said.change, said.text, threshold, said.drifted)
    outcome, text, change = _beside_run(before, now, threshold)
    return outcome, f"{text}; beside the last run alone: {said}", change


def _beside_run(before: Record, now: Record, threshold: float) -> Timed:
    """Judge a time beside that of the recorded run."""
    then, today = (record.timing.reference for record in (before, now) if record.timing and record.timing.reference)
    if then.name != today.name:
        text = (
            f"the reference network {then.name} has no time now: compare the two versions with {given('base')} instead"
        )
        return "unmeasured", text, None
    change = quotient(then.speed, today.speed)
    ratios = f"{1 / then.speed.estimate:.3f} then, {1 / today.speed.estimate:.3f} now"
    text = f"time {formatting.change(change)} (as a multiple of the time of {then.name}: {ratios})"
    return _judged(change, text, threshold)


def _judged(change: Interval, text: str, threshold: float, drifted: float | None = None) -> Timed:
    """Judge a change of time, or one in a slow drift, and say how small a slowdown would have been found."""
    if drifted is not None and drifted >= 1 + threshold:
        return "slower", text, change
    outcome = change.inverse.compare(threshold)
    least = _detectable(change, threshold)
    passed = f"{text}; minimum detectable slowdown {formatting.percent(least - 1)}" if least else text
    if outcome == "no effect":
        return "same", passed, change
    if outcome == "faster" or outcome == "slower":
        return outcome, text, change
    bounds = formatting.changes(1 / (1 + threshold), 1 + threshold)
    return "inconclusive", f"{passed}; its interval lies neither within nor beyond the threshold ({bounds})", change


def _detectable(change: Interval, threshold: float) -> float | None:
    """Return the slowdown whose whole interval would lie beyond the threshold in four of five such checks."""
    if change.low is None or change.high is None:
        return None
    half_width = math.log(change.high / change.low) / 2
    return (1 + threshold) * math.exp(POWERFUL * half_width)


def _references(record: Record) -> list[tuple[Variant, int]]:
    return [(each, record.family.batch_of(each)) for each in record.family.references]


def _why_not_comparable(before: Record, now: Record) -> str | None:
    """Return why two times cannot be compared; None if they can."""
    if of_host := host_was_timed(before, now):
        return of_host
    if _references(before) != _references(now):
        return "the recorded run has other reference networks: record it again"
    for record, when, way_out in (
        (before, "then", f"record the run again with {given('launches', 6)} or more"),
        (now, "now", f"give a larger {given('time_limit')}"),
    ):
        reference = record.timing.reference if record.timing else None
        if reference is None:
            return f"the reference network had no time {when}: {way_out}"
        if record.timing and record.timing.is_disturbed:
            share = formatting.percent(record.timing.excluded_share, decimals=0)
            return f"{share} of its samples were disturbed {when}: stop other work; {way_out}"
        if reference.speed.low is None and record.timing:
            launches = formatting.counted(record.timing.launches, "launch", "launches")
            return f"no interval from {launches} {when}: {way_out}"
    return None
