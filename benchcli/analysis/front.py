"""Compute the Pareto front of networks in speed and top-1 error, published or the user's own."""

from collections.abc import Sequence
from typing import Literal

from benchcli.analysis.published import top1_error
from benchcli.schema import Interval, Key, Record

Place = Literal["on", "near", "off", "not judged"]
"""A network's place, from rivals whose error is no larger.

on: every rival is certainly slower; off: a rival is certainly faster; near: undecided; not judged:
over half of its samples were disturbed.
"""


def pareto_front(records: Sequence[Record]) -> dict[Key, Place]:
    """Return the place of every record with a time and an error, by family and variant.

    Only records of the same batch, dtype and layout are compared. The result is empty if there are
    fewer than two networks.
    """
    candidates = [record for record in records if record.timing and top1_error(record) is not None]
    if len({record.variant.name for record in candidates}) < 2:
        return {}
    return {
        record.key: _place(record, [each for each in candidates if _is_comparable(each, record)])
        for record in candidates
    }


def _place(record: Record, others: Sequence[Record]) -> Place:
    if record.is_disturbed:
        return "not judged"
    rivals = [other for other in others if other.variant != record.variant and _has_no_larger_error(other, record)]
    if any(_is_certainly_faster(rival, record) for rival in rivals):
        return "off"
    return "on" if all(_is_certainly_faster(record, rival) for rival in rivals) else "near"


def _has_no_larger_error(one: Record, other: Record) -> bool:
    return (top1_error(one) or 0.0) <= (top1_error(other) or 0.0)


def _is_certainly_faster(one: Record, other: Record) -> bool:
    """Return whether the intervals of `one` and `other` exclude that `other` is as fast.

    Variants of one family are compared by paired relative speed, others by time. Nothing is certain of
    a time that was disturbed.
    """
    if one.is_disturbed or other.is_disturbed:
        return False
    if one.family.name == other.family.name and one.timing and other.timing:
        speed, other_speed = one.timing.relative, other.timing.relative
        if speed and other_speed and speed.low is not None and other_speed.high is not None:
            return speed.is_above(other_speed.high)
    seconds, other_seconds = _seconds(one), _seconds(other)
    return other_seconds.low is not None and seconds.is_below(other_seconds.low)


def _seconds(record: Record) -> Interval:
    assert record.timing  # noqa: S101  candidates have a time
    return record.timing.seconds


def _is_comparable(one: Record, other: Record) -> bool:
    return one.family.inputs == other.family.inputs and one.target == other.target
