"""Judge how a network's speed changes from the first of several settings to the others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from benchcli.analysis.equal_flops import EFFECT
from benchcli.noise.diagnosis import host_was_timed
from benchcli.schema import FamilyResult, Interval, Record

Outcome = Literal["faster", "slower", "no difference", "inconclusive", "not judged"]


@dataclass(frozen=True)
class Compared:
    """One network in one setting, compared with itself in the first one."""

    record: Record
    outcome: Outcome
    why: str = ""
    """Why it is not judged."""


def compared(results: Iterable[FamilyResult]) -> Iterator[Compared]:
    """Yield each network in each setting but the first."""
    for result in results:
        for record in result.records:
            if result.family.first and result.family.first != result.family.name:
                yield _compared(record)


def _compared(record: Record) -> Compared:
    speed = record.timing.setting if record.timing else None
    if record.failure or speed is None:
        return Compared(record, "not judged", record.failure.error if record.failure else "it has no time in the first")
    if of_host := host_was_timed(record):
        return Compared(record, "not judged", of_host)
    if record.timing and record.timing.is_disturbed:
        return Compared(record, "not judged", "too many of its samples were disturbed")
    if speed.low is None:
        return Compared(record, "not judged", "it has no interval: give --launches 6 or more, or a larger --budget")
    return Compared(record, outcome_of(speed))


def outcome_of(speed: Interval) -> Outcome:
    """Return what a speed relative to the first setting says; a difference within 2 % is none."""
    if speed.is_above(1 + EFFECT):
        return "faster"
    if speed.is_below(1 / (1 + EFFECT)):
        return "slower"
    return "no difference" if speed.is_within(EFFECT) else "inconclusive"


@dataclass(frozen=True)
class Flip:
    """A network that is faster than its baseline in one setting, and slower in the next that tells."""

    network: str
    baseline: str
    before: Record
    after: Record
    gets_faster: bool
    """Whether the network is the faster one of the two in `after`."""


def flips(results: Sequence[FamilyResult]) -> Iterator[Flip]:
    """Yield where the ranking of a network and its baseline changes from one setting to a later one.

    Only settings in which the whole interval of the relative speed lies on one side of 1 tell.
    """
    groups: dict[str, list[FamilyResult]] = {}
    for result in results:
        if result.family.first:
            groups.setdefault(result.family.first, []).append(result)
    for group in groups.values():
        for variant in group[0].family.variants[1:]:
            yield from _flips_of(variant.name, group)


def _flips_of(network: str, group: Sequence[FamilyResult]) -> Iterator[Flip]:
    before: tuple[Record, bool] | None = None
    for result in group:
        for record in result.records:
            relative = record.timing.relative if record.timing else None
            if record.variant.name != network or relative is None or host_was_timed(record):
                continue
            if not (relative.is_above(1.0) or relative.is_below(1.0)):
                continue
            is_faster = relative.is_above(1.0)
            if before and before[1] != is_faster:
                yield Flip(network, result.family.baseline, before[0], record, is_faster)
            before = record, is_faster
