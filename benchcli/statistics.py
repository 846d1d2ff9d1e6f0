"""Estimates with 95 % intervals. The unit of evidence is the launch."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from statistics import NormalDist, StatisticsError, correlation, mean, median, stdev
from typing import TypeVar

from benchcli.schema import Breakdown, Category, Interval, Sample

CONFIDENCE = 0.95
"""The confidence level; `benchmarks/coverage.py` measures the actual coverage."""
TAIL = (1 - CONFIDENCE) / 2
"""The probability on each side of an interval."""
Z_95 = 1.96
EXACT_RANKS = 60
"""The most launches with the exact distribution of the signed-rank statistic.

Beyond, the normal approximation is as good.
"""
CLEAN_ROUNDS = 3
"""The fewest rounds of a launch without an excluded sample.

With fewer, the disturbance is typical of the launch, and all of its rounds count.
"""

Value = TypeVar("Value")


def launch_log_ratios(baseline: Iterable[Sample], variant: Iterable[Sample]) -> dict[int, float]:
    """Return per launch the median over its rounds of ln(baseline seconds / variant seconds).

    Only rounds with samples of both count, since the pairing cancels what disturbed both. Rounds
    with an excluded sample do not count, if enough others remain.
    """
    baseline_samples = {(sample.launch, sample.round): sample for sample in baseline}
    ratios: dict[int, list[tuple[float, bool]]] = {}
    for sample in variant:
        paired = baseline_samples.get((sample.launch, sample.round))
        if paired:
            clean = paired.excluded is None and sample.excluded is None
            ratios.setdefault(sample.launch, []).append((math.log(paired.seconds / sample.seconds), clean))
    return {launch: median(counted(values)) for launch, values in ratios.items()}


def launch_log_seconds(samples: Iterable[Sample]) -> dict[int, float]:
    """Return per launch the logarithm of the median seconds per call."""
    seconds: dict[int, list[tuple[float, bool]]] = {}
    for sample in samples:
        seconds.setdefault(sample.launch, []).append((sample.seconds, sample.excluded is None))
    return {launch: math.log(median(counted(values))) for launch, values in seconds.items()}


def counted(values: Sequence[tuple[Value, bool]]) -> list[Value]:
    """Return the clean values, or all values if too few are clean."""
    clean_values = [value for value, clean in values if clean]
    return clean_values if len(clean_values) >= min(CLEAN_ROUNDS, len(values)) else [value for value, _ in values]


def has_ranks(launches: int) -> bool:
    """Return whether there are enough launches for a signed-rank interval: at least six."""
    return 2.0**-launches <= TAIL


def interval_over_launches(logs: Mapping[int, float]) -> Interval:
    """Return exp of the centre of `logs` (one logarithm per launch), with its 95 % interval.

    Each launch is a cluster: its rounds share its memory layout and its moment, so they count once.
    The centre is the Hodges-Lehmann estimate. The interval is Wilcoxon's signed-rank interval
    (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3.2 and 3.3). Launches have
    two modes and long tails, and a burst of other work moves neither the centre nor the interval
    far. Fewer than six launches have no signed-rank interval; they get the mean and Student's t.
    """
    values = list(logs.values())
    if len(values) < 2:
        return Interval(math.exp(values[0]))
    if not has_ranks(len(values)):
        centre, half = mean(values), _student_half_width(values)
        return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half))
    walsh = sorted((first + second) / 2 for i, first in enumerate(values) for second in values[: i + 1])
    rank, share = signed_rank_tail(len(values))
    low = walsh[rank] + share * (walsh[rank + 1] - walsh[rank])
    high = walsh[-1 - rank] - share * (walsh[-1 - rank] - walsh[-2 - rank])
    return Interval(math.exp(median(walsh)), math.exp(low), math.exp(high))


def quotient(over: Interval, under: Interval) -> Interval:
    """Return the quotient of two independent estimates, with an interval from theirs.

    On the logarithmic scale, the half-widths of the two intervals are added in quadrature.
    """
    middle = math.log(over.estimate / under.estimate)
    if over.low is None or over.high is None or under.low is None or under.high is None:
        return Interval(math.exp(middle))
    up = math.hypot(math.log(over.high / over.estimate), math.log(under.estimate / under.low))
    down = math.hypot(math.log(over.estimate / over.low), math.log(under.high / under.estimate))
    return Interval(math.exp(middle), math.exp(middle - down), math.exp(middle + up))


@dataclass(frozen=True)
class Count:
    """A number of cases (`found`) out of a total (`of`)."""

    found: int
    of: int

    @property
    def interval(self) -> Interval:
        """The rate, with its 95 % Wilson score interval (Wilson, 1927)."""
        rate, n, z2 = self.found / self.of, self.of, Z_95**2
        centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
        half = Z_95 * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n * n)) / (1 + z2 / n)
        return Interval(rate, max(0.0, centre - half), min(1.0, centre + half))


def median_share(breakdowns: Sequence[Breakdown], category: Category) -> float:
    """Return the fraction of a call's time in a category: the median over launches."""
    return median(each.parts[category] / each.sum_s for each in breakdowns)


@cache
def signed_rank_tail(n: int) -> tuple[int, float]:
    """Return the index of the Walsh average that bounds the interval, and the step to the next.

    The index counts from either end. The step is a fraction: ranks are integers, so the coverage
    changes in steps, and the bound is interpolated between the two nearest.
    """
    if n > EXACT_RANKS:
        z = NormalDist().inv_cdf(1 - TAIL)
        place = n * (n + 1) / 4 - z * math.sqrt(n * (n + 1) * (2 * n + 1) / 24) - 0.5
        return int(place), place - int(place)
    rank = 0
    while signed_rank_cumulative(n, rank + 1) <= TAIL:
        rank += 1
    below, above = signed_rank_cumulative(n, rank), signed_rank_cumulative(n, rank + 1)
    return rank, (TAIL - below) / (above - below)


def signed_rank_cumulative(n: int, rank_sum: int) -> float:
    """Return the probability that Wilcoxon's signed-rank statistic is at most `rank_sum`.

    It counts how many of the 2**n patterns of n signs have positive ranks that sum to at most that.
    """
    patterns = [1] + [0] * rank_sum
    for rank in range(1, n + 1):
        for total in range(rank_sum, rank - 1, -1):
            patterns[total] += patterns[total - rank]
    return float(sum(patterns) / 2**n)


def _student_half_width(values: Sequence[float]) -> float:
    degrees = len(values) - 1
    return student_t_quantile(1 - TAIL, degrees) * stdev(values) / math.sqrt(len(values))


@cache
def student_t_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t for a probability above one half, by bisection.

    The distribution function has a closed form for integer degrees of freedom (Abramowitz and
    Stegun, 26.7.3 and 26.7.4), so this needs no numerical library.
    """
    low, high = 0.0, 1e6
    while high - low > 1e-10 * max(1.0, high):
        middle = (low + high) / 2
        below = 0.5 + _central_probability(middle, degrees) / 2 < probability
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2


def _central_probability(t: float, degrees: int) -> float:
    """Return the probability that Student's t lies between -t and t."""
    angle = math.atan(t / math.sqrt(degrees))
    cosine_squared = math.cos(angle) ** 2
    odd = degrees % 2
    term = math.cos(angle) if odd else 1.0
    total = term if degrees > 1 else 0.0
    for k in range(2 + odd, degrees - 1, 2):
        term *= cosine_squared * (k - 1) / k
        total += term
    if odd:
        return 2 / math.pi * (angle + math.sin(angle) * total)
    return math.sin(angle) * total


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> float | None:
    """Return Spearman's rank correlation; None if all values of one are equal, or if there are fewer than two."""
    try:
        return correlation(_ranks(one), _ranks(other))
    except StatisticsError:
        return None


def _ranks(values: Sequence[float]) -> list[float]:
    """Return the rank of each value; equal values share the mean of their ranks."""
    ordered = sorted(values)
    return [(bisect_left(ordered, value) + bisect_right(ordered, value) - 1) / 2 for value in values]
