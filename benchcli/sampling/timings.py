"""Compute the times and relative speeds of variants from their samples."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import mean, median, quantiles

from benchcli.schema import SLOW_CORE, Family, Interval, Percentiles, ReferenceSpeed, Sample, StepParts, Timing
from benchcli.statistics import (
    are_paired,
    can_leave_slow,
    counted,
    has_ranks,
    interval_after_looks,
    launch_log_ratios,
    launch_log_seconds,
    modes,
)

SINGLES = 1000
"""The least calls, timed singly, that have percentiles."""


@dataclass(frozen=True)
class FirstSetting:
    """The samples of the same networks in the first of several settings, by variant name."""

    samples: Mapping[str, Sequence[Sample]]
    items: Mapping[str, int]
    """The images in a call."""

    def speed_of(self, name: str, samples: Sequence[Sample], items: int) -> Interval | None:
        """Return the speed of a network, per image, relative to its own in the first setting; None without pairs.

        The two may run in processes of their own, seconds apart. Without enough launches in which the
        core was of one pace for both, there is no interval.
        """
        first = self.samples.get(name, ())
        ratios = launch_log_ratios(first, samples)
        if not ratios:
            return None
        speed = _interval(ratios).times(items / self.items.get(name, 1))
        return speed if are_paired(first, samples) else Interval(speed.estimate)


def timing(samples: Sequence[Sample], baseline: Sequence[Sample], is_baseline: bool) -> Timing | None:
    """Return the timing of one variant; None if it has no samples."""
    if not samples:
        return None
    faults = [sample.faults for sample in samples if sample.faults is not None]
    ratios = launch_log_ratios(baseline, samples)
    relative = Interval(1.0, 1.0, 1.0) if is_baseline else _interval(ratios) if ratios else None
    logs = launch_log_seconds(samples)
    seconds = _interval(logs)
    slow = sum(sample.excluded == SLOW_CORE for sample in samples) if can_leave_slow(samples) else 0
    return Timing(
        seconds=seconds,
        relative=relative,
        launches=len(logs),
        samples=len(samples) - slow,
        faults=mean(faults) if faults else None,
        excluded=sum(sample.excluded is not None for sample in samples) - slow,
        slow=slow,
        modes=() if is_baseline else modes(ratios.values()),
        parts=_parts(samples, seconds.estimate),
    )


def _parts(samples: Sequence[Sample], seconds: float) -> StepParts | None:
    """Return the seconds of a training step's parts; None unless all samples have them.

    They are the medians of their shares of a sample, and add up to `seconds`. Medians of their times
    would not add up to the median of the step.
    """
    shares = [(each.part_shares, each.excluded is None) for each in samples]
    if not all(own for own, _ in shares):
        return None
    medians = [median(several) for several in zip(*counted(shares), strict=True)]
    return StepParts(*(seconds * each / sum(medians) for each in medians))


def _interval(logs: Mapping[int, float]) -> Interval:
    """Return the estimate over launches. With fewer than six launches it has no interval."""
    interval = interval_after_looks(logs)
    return interval if has_ranks(len(logs)) else Interval(interval.estimate)


def timings(family: Family, samples: Mapping[str, Sequence[Sample]]) -> dict[str, Timing]:
    """Return the timing of every variant that has samples, by name."""
    baseline = samples.get(family.baseline, ())
    times = {
        variant.name: timing(samples.get(variant.name, ()), baseline, variant.name == family.baseline)
        for variant in family.variants
    }
    return {name: time for name, time in times.items() if time}


def percentiles(seconds: Sequence[float]) -> Percentiles | None:
    """Return the percentiles of single calls; None of fewer than SINGLES, of which the last hundredth says little."""
    if len(seconds) < SINGLES:
        return None
    cuts = quantiles(seconds, n=100, method="inclusive")
    return Percentiles(cuts[49], cuts[94], cuts[98])


def reference_speed(name: str, reference: Sequence[Sample], samples: Sequence[Sample]) -> ReferenceSpeed | None:
    """Return the speed relative to the reference network of that name; None without shared rounds."""
    speed = relative_speed(reference, samples)
    return ReferenceSpeed(name, speed) if speed else None


def relative_speed(baseline: Sequence[Sample], samples: Sequence[Sample]) -> Interval | None:
    """Return baseline time / time, from the rounds that both share; None without any."""
    ratios = launch_log_ratios(baseline, samples)
    return _interval(ratios) if ratios else None
