"""What a sweep found: which widths to choose and to avoid, steps of alignment, and cliffs of caches."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from statistics import median

from benchcli.schema import Interval, Record
from benchcli.statistics import quotient

NEAR = 1.25
"""A width is compared with others up to so many times it."""
WORTH = 1.05
"""The least factor of the speed of a multiply-add for which another width is named."""
AS_FAST = 1.03
"""The most factor between two speeds of which the slower is as good as the faster, if it is nearer."""
MULTIPLES = (64, 32, 16, 8, 4, 2)
LEAST_PAIRS = 4
"""The fewest widths from which a step of alignment is told."""
AROUND = 3
"""The widths on each side of a cliff."""
CLIFF = 1.15
"""The least factor between the speeds on its sides."""


@dataclass(frozen=True)
class SweptPoint:
    """One width of a line."""

    line: str
    """The name of the line's family."""
    axis: str
    value: int
    seconds: Interval | None
    """Of a call; None if it could not be measured."""
    rate: Interval | None
    """The speed of a multiply-add, relative to the fastest of the line."""
    flops: int
    mac_bytes: int
    advice: str = ""
    """choose: no width near it is faster a multiply-add; avoid: one is, certainly, that takes no longer; else empty."""
    instead: int | None = None
    """The width near it with the fastest multiply-add of those that take no longer, if it is to be avoided."""
    gain: Interval | None = None
    """How many times as fast a multiply-add is there."""
    failure: str = ""


@dataclass(frozen=True)
class AlignmentStep:
    """How much faster widths that are multiples of a number are than those between them."""

    line: str
    multiple: int
    factor: float
    """The median of the speeds of a multiply-add, over those of the nearest other widths."""
    widths: int
    """How many were compared."""
    share: float
    """Those of them that are slower by as much as is worth a word."""


@dataclass(frozen=True)
class CacheCliff:
    """A width from which on a multiply-add takes longer than before."""

    line: str
    value: int
    factor: float
    """How many times as long."""
    working_set: int
    """The bytes that a call touches there."""
    level: str
    """The level of caches that holds what narrower widths touch and not this; empty if none fits."""


def points_of(line: str, axis: str, records: Sequence[Record]) -> list[SweptPoint]:
    """Return the points of a line, in the order of their widths, with what to choose and to avoid."""
    rates = {each.variant.name: rate for each in records if (rate := _rate(each, records[0]))}
    best = max((each.estimate for each in rates.values()), default=1.0)
    points = [_point(line, axis, each, rates.get(each.variant.name), best) for each in records]
    advised = {each.value: _advised(each, points) for each in sorted(points, key=lambda each: each.value)}
    return [_followed(each, advised) for each in advised.values()]


def _followed(point: SweptPoint, advised: Mapping[int, SweptPoint]) -> SweptPoint:
    """Return a point whose other width is none to be avoided itself: then it is the one to take instead of that."""
    seen, other = {point.value}, point
    while other.instead is not None and other.instead not in seen:
        seen.add(other.instead)
        other = advised[other.instead]
    if other is point or other.rate is None or point.rate is None:
        return point
    return replace(point, instead=other.value, gain=quotient(other.rate, point.rate))


def _rate(record: Record, first: Record) -> Interval | None:
    """Return the speed of a multiply-add, relative to that of the baseline."""
    if not (record.timing and record.costs and record.costs.flops and first.costs and first.costs.flops):
        return None
    speed = Interval(1.0, 1.0, 1.0) if record is first else record.timing.relative
    if speed is None:
        return None
    return _scaled(speed, record.costs.flops / first.costs.flops)


def _scaled(interval: Interval, factor: float) -> Interval:
    low, high = (None if each is None else each * factor for each in (interval.low, interval.high))
    return Interval(interval.estimate * factor, low, high)


def _point(line: str, axis: str, record: Record, rate: Interval | None, best: float) -> SweptPoint:
    return SweptPoint(
        line=line,
        axis=axis,
        value=int(record.variant.name),
        seconds=record.timing.seconds if record.timing else None,
        rate=rate and _scaled(rate, 1 / best),
        flops=record.costs.flops if record.costs else 0,
        mac_bytes=record.costs.mac_bytes if record.costs else 0,
        failure=record.failure.error if record.failure else "",
    )


def alone(points: Sequence[SweptPoint]) -> list[SweptPoint]:
    """Return the points near which no other was measured, so that nothing can be said of them."""
    return [each for each in points if each.rate and not _near(each, points)]


def _advised(point: SweptPoint, points: Sequence[SweptPoint]) -> SweptPoint:
    """Return a point with what to do about it."""
    if point.rate is None:
        return point
    near = _near(point, points)
    if not near:
        return point
    if max(each.rate.estimate for each in near if each.rate) < WORTH * point.rate.estimate:
        return replace(point, advice="choose")
    helpful = [each for each in near if _takes_no_longer(each, point)]
    best = _nearest_of_the_fast(point, helpful) if helpful else None
    gain = quotient(best.rate, point.rate) if best and best.rate else None
    if best and gain and gain.is_above(WORTH):
        return replace(point, advice="avoid", instead=best.value, gain=gain)
    return point


def _takes_no_longer(other: SweptPoint, point: SweptPoint) -> bool:
    """Return whether a width takes no longer than another one, as a whole: a wider one may only do more work better."""
    if not (other.rate and point.rate):
        return False
    return other.flops / other.rate.estimate <= AS_FAST * point.flops / point.rate.estimate


def _nearest_of_the_fast(point: SweptPoint, near: Sequence[SweptPoint]) -> SweptPoint:
    """Return the width that is nearest to one, of those nearly as fast as the fastest; of two, the wider one."""
    rates = {each.value: each.rate.estimate for each in near if each.rate}
    fast = [each for each in near if rates[each.value] * AS_FAST >= max(rates.values())]
    return min(fast, key=lambda each: (abs(each.value - point.value), -each.value))


def _near(point: SweptPoint, points: Sequence[SweptPoint]) -> list[SweptPoint]:
    """Return the other points with a time whose values are near one's."""
    return [each for each in points if each.rate and each is not point and _is_near(each, point)]


def _is_near(other: SweptPoint, point: SweptPoint) -> bool:
    return 1 / NEAR <= other.value / point.value <= NEAR


def alignment(line: str, points: Sequence[SweptPoint]) -> AlignmentStep | None:
    """Return the step of alignment that explains most of a line; None if none is worth the name.

    A width that is no multiple is compared with the mean of the multiples next to it.
    """
    steps = [step for multiple in MULTIPLES if (step := _step(line, points, multiple))]
    best = max(steps, key=lambda each: (each.factor - 1) * each.share, default=None)
    return best if best and best.factor >= WORTH else None


def _step(line: str, points: Sequence[SweptPoint], multiple: int) -> AlignmentStep | None:
    known = [each for each in points if each.rate]
    aligned = [each for each in known if each.value % multiple == 0]
    factors = []
    for each in known:
        if each.value % multiple == 0:
            continue
        below = [other for other in aligned if other.value < each.value and _is_near(other, each)][-1:]
        above = [other for other in aligned if other.value > each.value and _is_near(other, each)][:1]
        if below and above:
            logs = [math.log(other.rate.estimate) for other in (*below, *above) if other.rate]
            factors.append(math.exp(sum(logs) / len(logs) - math.log(each.rate.estimate if each.rate else 1.0)))
    if len(factors) < LEAST_PAIRS:
        return None
    share = sum(each >= WORTH for each in factors) / len(factors)
    return AlignmentStep(line, multiple, median(factors), len(factors), share)


def cliffs(line: str, points: Sequence[SweptPoint], caches: Mapping[str, int]) -> list[CacheCliff]:
    """Return the widths from which on a multiply-add takes longer, and does not recover."""
    known = [each for each in points if each.rate]
    rates = [each.rate.estimate for each in known if each.rate]
    factors = {
        place: median(rates[place - AROUND : place]) / median(rates[place : place + AROUND])
        for place in range(AROUND, len(known) - AROUND + 1)
        if max(rates[place : place + AROUND]) < min(rates[place - AROUND : place])
    }
    peaks = [
        place
        for place, factor in factors.items()
        if factor >= CLIFF
        and all(factors.get(near, 0.0) <= factor for near in range(place - AROUND, place + AROUND + 1))
    ]
    return [
        CacheCliff(
            line,
            known[place].value,
            factors[place],
            known[place].mac_bytes,
            _left(known[place - 1], known[place], caches),
        )
        for place in peaks
    ]


def _left(before: SweptPoint, after: SweptPoint, caches: Mapping[str, int]) -> str:
    """Return the level of caches that the working set leaves about here: between its half and twice its size."""
    fits = [name for name, size in caches.items() if before.mac_bytes / 2 <= size <= after.mac_bytes * 2]
    return min(fits, key=lambda name: abs(math.log(caches[name] / after.mac_bytes)), default="")


def to_measure(values: Sequence[int], coarse: Mapping[int, float], change: float) -> list[int]:
    """Return which widths of a line are worth measuring, from the seconds of a multiply-add at some of them.

    Those between two neighbours that differ by more than `change` are, because something happens there.
    """
    kept = set(coarse)
    for one, other in pairwise(sorted(coarse)):
        if abs(math.log(coarse[one] / coarse[other])) > change:
            kept |= {each for each in values if one < each < other}
    return sorted(kept)


def every_third(values: Sequence[int]) -> Iterator[int]:
    """Yield every third width, and the last one. Steps of three meet all alignments."""
    yield from values[::3]
    if (len(values) - 1) % 3:
        yield values[-1]
