"""Judge how a network's speed changes from the first of several settings to the others."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from benchcli.analysis.equal_flops import EFFECT
from benchcli.grouping import groups
from benchcli.noise.diagnosis import host_was_timed
from benchcli.schema import FamilyResult, Key, Outcome, Record
from benchcli.spelling import given
from benchcli.statistics import has_ranks


@dataclass(frozen=True)
class SettingEffect:
    """One network in one setting, compared with itself in the first one."""

    record: Record
    outcome: Outcome
    why: str = ""
    """Why it is not judged."""


def setting_effects(results: Iterable[FamilyResult]) -> Iterator[SettingEffect]:
    """Yield each network in each setting but the first."""
    disturbed: set[Key] = set()
    for result in results:
        for record in result.records:
            if record.is_disturbed:
                disturbed.add(record.key)
            if result.family.first and result.family.first != result.family.name:
                yield _effect(record, (result.family.first, record.variant.name) in disturbed)


def _effect(record: Record, is_first_disturbed: bool) -> SettingEffect:
    speed = record.timing.setting if record.timing else None
    if record.failure or speed is None:
        return SettingEffect(
            record, "not judged", record.failure.error if record.failure else "it has no time in the first"
        )
    if of_host := host_was_timed(record):
        return SettingEffect(record, "not judged", of_host)
    if record.is_disturbed or is_first_disturbed:
        where = "" if record.is_disturbed else " in the first setting"
        return SettingEffect(record, "not judged", f"too many of its samples{where} were disturbed")
    if speed.low is None:
        return SettingEffect(record, "not judged", _without_interval(record))
    return SettingEffect(record, speed.compare(EFFECT))


def _without_interval(record: Record) -> str:
    if record.timing and has_ranks(record.timing.launches):
        return "in too few launches was the core of one pace in both settings: measure again when the machine is quiet"
    return f"it has no interval: give {given('launches', 6)} or more, or a larger {given('budget')}"


@dataclass(frozen=True)
class Flip:
    """A network that is faster than its baseline in one setting, and slower in the next decisive one."""

    network: str
    baseline: str
    before: Record
    after: Record
    gets_faster: bool
    """Whether the network is the faster one of the two in `after`."""


def flips(results: Sequence[FamilyResult]) -> Iterator[Flip]:
    """Yield where the ranking of a network and its baseline changes from one setting to a later one.

    A setting is decisive if it is judged and the interval of the relative speed excludes 1; others are
    passed over.
    """
    of_settings = (result for result in results if result.family.first)
    for group in groups(of_settings, lambda result: result.family.first).values():
        for variant in group[0].family.variants[1:]:
            yield from _flips_of(variant.name, group)


def _flips_of(network: str, group: Sequence[FamilyResult]) -> Iterator[Flip]:
    before: tuple[Record, bool] | None = None
    for result in group:
        for record in result.records:
            relative = record.timing.relative if record.timing else None
            if record.variant.name != network or relative is None or host_was_timed(record):
                continue
            if _is_disturbed(record, result) or relative.compare(0.0) == "inconclusive":
                continue
            is_faster = relative.is_above(1.0)
            if before and before[1] != is_faster:
                yield Flip(network, result.family.baseline, before[0], record, is_faster)
            before = record, is_faster


def _is_disturbed(record: Record, result: FamilyResult) -> bool:
    """Return whether too many samples of a network or of its baseline were disturbed."""
    return record.is_disturbed or result.records[0].is_disturbed
