"""Which networks are worth their time: those that no other one beats in speed and published error."""

from collections.abc import Sequence
from typing import Literal

from benchcli.analysis.published import top1_error
from benchcli.schema import Interval, Key, Record

Place = Literal["on", "near", "off"]
"""on: whatever has no larger error is slower for certain; off: something is faster for certain; near: undecided."""


def pareto_front(records: Sequence[Record]) -> dict[Key, Place]:
    """Return the place of every record with a time and a published error, by family and variant.

    Records of other batches, dtypes or layouts are other races; none is run by one network alone.
    """
    racing = [record for record in records if record.timing and top1_error(record) is not None]
    if len({record.variant.name for record in racing}) < 2:
        return {}
    return {
        (record.family.name, record.variant.name): _place(record, [each for each in racing if _same_race(each, record)])
        for record in racing
    }


def _place(record: Record, others: Sequence[Record]) -> Place:
    rivals = [other for other in others if other.variant != record.variant and _no_worse(other, record)]
    if any(_surely_faster(rival, record) for rival in rivals):
        return "off"
    return "on" if all(_surely_faster(record, rival) for rival in rivals) else "near"


def _no_worse(one: Record, other: Record) -> bool:
    return (top1_error(one) or 0.0) <= (top1_error(other) or 0.0)


def _surely_faster(one: Record, other: Record) -> bool:
    """Say whether intervals leave no doubt: of paired relative speeds within a family, of times across families."""
    if one.family.name == other.family.name and one.timing and other.timing:
        mine, theirs = one.timing.relative, other.timing.relative
        if mine and theirs and mine.low is not None and theirs.high is not None:
            return mine.is_above(theirs.high)
    mine, theirs = _seconds(one), _seconds(other)
    return theirs.low is not None and mine.is_below(theirs.low)


def _seconds(record: Record) -> Interval:
    assert record.timing  # noqa: S101  only records with a time race
    return record.timing.seconds


def _same_race(one: Record, other: Record) -> bool:
    return all(getattr(one.family, name) == getattr(other.family, name) for name in ("batch", "dtype", "layout"))
