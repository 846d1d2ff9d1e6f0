"""Judge a difference in speed at equal FLOPs: the rule that guidelines and claims share."""

import math
from dataclasses import dataclass

from benchcli import formatting
from benchcli.noise.diagnosis import host_was_timed
from benchcli.schema import Interval, Outcome, Record
from benchcli.spelling import given
from benchcli.statistics import has_ranks

EFFECT = 0.02
"""The least relative difference in speed that matters in practice."""
EQUAL_FLOPS = 0.1
"""The largest relative difference in FLOPs for which speeds are converted to equal FLOPs.

The conversion assumes that time is proportional to FLOPs, which holds for small differences only.
"""
HOPELESS = 0.2
"""The relative half-width above which the advice names no number of launches."""
MOST_LAUNCHES = 200
"""The largest number of launches that the advice names."""


@dataclass(frozen=True)
class SpeedJudgement:
    """How fast a network is compared with its family's baseline."""

    outcome: Outcome
    relative: Interval | None
    """The measured relative speed; None if one of the two has no time."""
    at_equal_flops: Interval | None
    """The relative speed converted to the baseline's FLOPs; None if FLOPs differ too much."""
    reason: str | None
    """Why it is not judged, or how to settle an inconclusive one; None otherwise."""


def judge(record: Record, baseline: Record, effect: float = EFFECT, by_launches: bool = False) -> SpeedJudgement:
    """Judge the relative speed of `record`, converted to the FLOPs of `baseline`.

    `Interval.compare` has the rule. An interval that cannot be trusted, or FLOPs that differ by more
    than `EQUAL_FLOPS`, are not judged. Nor are times of the host of an accelerator, unless the number
    of kernels that it launches is what is judged (`by_launches`).
    """
    relative = record.timing.relative if record.timing else None
    converted = at_equal_flops(record)
    unjudged = _why_not(record, baseline) or (None if by_launches else host_was_timed(record, baseline))
    if unjudged or relative is None or converted is None:
        return SpeedJudgement("not judged", relative, converted, unjudged)
    outcome = converted.compare(effect)
    reason = _advice(record, converted, effect) if outcome == "inconclusive" else None
    return SpeedJudgement(outcome, relative, converted, reason)


def at_equal_flops(record: Record) -> Interval | None:
    """Return the relative speed that the network would have with the baseline's FLOPs.

    It is the relative speed times (1 + the FLOPs deviation). None without a time, without counted
    FLOPs, or if the deviation exceeds `EQUAL_FLOPS`.
    """
    relative = record.timing.relative if record.timing else None
    if relative is None or not has_equal_flops(record):
        return None
    return relative.times(1 + (record.flops_deviation or 0.0))


def has_equal_flops(record: Record) -> bool:
    """Return whether the network's FLOPs are close enough to the baseline's for a conversion."""
    return record.flops_deviation is not None and round(abs(record.flops_deviation), 9) <= EQUAL_FLOPS


def _why_not(record: Record, baseline: Record) -> str | None:
    """Return why the speed is not judged; None if it is."""
    failure = next((each for each in (baseline, record) if each.failure), None)
    if failure and failure.failure:
        return f"{failure.variant.name} has no time: {failure.failure.error}"
    if record.timing is None or baseline.timing is None or record.timing.relative is None:
        return f"{record.variant.name} has no relative speed"
    return _why_no_equal_flops(record, baseline) or distrust(baseline) or distrust(record)


def _why_no_equal_flops(record: Record, baseline: Record) -> str | None:
    """Return why the speed cannot be converted to equal FLOPs; None if it can."""
    if record.flops_deviation is None:
        return f"the FLOPs of {record.variant.name} or {baseline.variant.name} are not known, or 0"
    if not has_equal_flops(record):
        deviation = formatting.percent(record.flops_deviation, signed=True)
        percent = formatting.percent(EQUAL_FLOPS, decimals=0)
        return f"its FLOPs differ by {deviation}, and beyond {percent} speeds are not comparable"
    return None


def distrust(record: Record) -> str | None:
    """Return why a network's time and relative speed cannot be trusted; None if they can."""
    timing, name = record.timing, record.variant.name
    if timing is None:
        return f"{name} has no time"
    if timing.is_disturbed:
        share = formatting.percent(timing.excluded_share, decimals=0)
        return f"{share} of the samples of {name} were disturbed: stop other work, or measure later"
    if timing.relative is None or timing.relative.low is None:
        count = formatting.counted(timing.launches, "launch", "launches")
        return f"no interval from {count}: give {given('launches', 6)} or more, or a larger {given('budget')}"
    return None


def _advice(record: Record, speed: Interval, effect: float) -> str:
    """Return how to settle an inconclusive comparison."""
    launches = record.timing.launches if record.timing else 0
    half_width = math.inf if speed.relative_half_width is None else speed.relative_half_width
    if not has_ranks(launches) or half_width > HOPELESS:
        return f"the interval is far too wide: see the warnings, and give a larger {given('budget')}"
    distance = abs(abs(math.log(speed.estimate)) - math.log1p(effect))
    needed = math.ceil(launches * (half_width / max(distance, 1e-4)) ** 2) + 1
    if needed > MOST_LAUNCHES:
        return f"the effect is too close to {effect * 100:.1f} % to decide"
    return f"about {needed} launches should decide it: {given('launches', needed)}"
