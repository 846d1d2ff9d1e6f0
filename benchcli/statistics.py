"""Estimates with 95 % intervals. The unit of evidence is the launch."""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, pairwise
from statistics import NormalDist, StatisticsError, correlation, mean, median, stdev, variance
from typing import TypeVar

from benchcli.schema import SLOW_CORE, Breakdown, Category, Exclusion, Interval, Mode, Sample

CONFIDENCE = 0.95
"""The confidence level; `benchmarks/coverage.py` measures the actual coverage."""
ERROR = 1 - CONFIDENCE
"""The probability that an interval does not contain the true value."""
LEAST_LAUNCHES = 8
"""The launches after which a run looks first whether its intervals are narrow enough to stop.

Fewer can agree by chance, and end the measuring too early.
"""
LOOKS = 0.25
"""The power of LEAST_LAUNCHES / launches by which the error of a run's intervals shrinks.

A run that may stop after every launch stops more often where its launches happen to agree. Chosen by
`benchmarks/coverage_simulation.py`, as the next two.
"""
FIRST_ERROR = 0.055
"""The error of a run's intervals after LEAST_LAUNCHES; widening them by correlation leaves less than 5 %."""
MOST_CORRELATION = 0.5
"""The largest correlation of neighbouring launches that a run's interval allows for: few launches tell it badly."""
Z_95 = 1.96
POWERFUL = (Z_95 + 0.84) / Z_95
"""The difference, in half-widths of the interval, that 80 of 100 comparisons find."""
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
    pairs = [(paired, each) for each in variant if (paired := baseline_samples.get((each.launch, each.round)))]
    return _by_launch(
        (each.launch, math.log(paired.seconds / each.seconds), (paired.excluded, each.excluded))
        for paired, each in pairs
    )


def launch_log_means(baseline: Iterable[Sample], variant: Iterable[Sample]) -> dict[int, float]:
    """Return per launch ln(mean baseline seconds / mean variant seconds).

    It tells of calls that now and then take long, which a median does not. Rounds count as for `launch_log_ratios`.
    """
    seconds: list[list[tuple[int, float, tuple[Exclusion | None, ...]]]] = [[], []]
    variants = {(sample.launch, sample.round): sample for sample in variant}
    for each in baseline:
        if paired := variants.get((each.launch, each.round)):
            for of, sample in zip(seconds, (each, paired), strict=True):
                of.append((each.launch, sample.seconds, (each.excluded, paired.excluded)))
    means = [_by_launch(of, mean) for of in seconds]
    return {launch: math.log(means[0][launch] / means[1][launch]) for launch in means[0]}


def launch_log_seconds(samples: Iterable[Sample]) -> dict[int, float]:
    """Return per launch the logarithm of the median seconds per call."""
    return _by_launch((each.launch, math.log(each.seconds), (each.excluded,)) for each in samples)


def _by_launch(
    values: Iterable[tuple[int, float, tuple[Exclusion | None, ...]]],
    middle: Callable[[list[float]], float] = median,
) -> dict[int, float]:
    """Return the middle of each launch's values that count; see `counted_by_launch`."""
    return {launch: middle(counts) for launch, counts in counted_by_launch(values).items()}


def counted_by_launch(values: Iterable[tuple[int, Value, tuple[Exclusion | None, ...]]]) -> dict[int, list[Value]]:
    """Return each launch's values that count. Each value has its launch, and why its samples are excluded.

    What was sampled on a slow core does not count, and a launch that has nothing else is left out, as
    long as enough launches for an interval remain. Else values of a pair with one sample on a slow core
    and one on a usual core do not count, as long as enough launches remain.
    """
    of_all: dict[int, list[tuple[Value, bool]]] = {}
    of_usual: dict[int, list[tuple[Value, bool]]] = {}
    of_alike: dict[int, list[tuple[Value, bool]]] = {}
    for launch, value, excluded in values:
        entry = value, not any(excluded)
        of_all.setdefault(launch, []).append(entry)
        slow = {each == SLOW_CORE for each in excluded}
        if slow == {False}:
            of_usual.setdefault(launch, []).append(entry)
        if len(slow) == 1:
            of_alike.setdefault(launch, []).append(entry)
    chosen = next((of for of in (of_usual, of_alike) if has_ranks(len(of))), of_all)
    return {launch: counted(entries) for launch, entries in chosen.items()}


def are_paired(one: Iterable[Sample], other: Iterable[Sample]) -> bool:
    """Return whether enough launches for an interval have rounds in which both were on cores of one pace."""
    slow = {(each.launch, each.round): each.excluded == SLOW_CORE for each in one}
    alike = {each.launch for each in other if slow.get((each.launch, each.round)) == (each.excluded == SLOW_CORE)}
    return has_ranks(len(alike))


def can_leave_slow(samples: Iterable[Sample]) -> bool:
    """Return whether enough launches for an interval have samples on a core at its usual pace."""
    return has_ranks(len({each.launch for each in samples if each.excluded != SLOW_CORE}))


def counted(values: Sequence[tuple[Value, bool]]) -> list[Value]:
    """Return the clean values, or all values if too few are clean."""
    clean_values = [value for value, clean in values if clean]
    return clean_values if len(clean_values) >= min(CLEAN_ROUNDS, len(values)) else [value for value, _ in values]


def has_ranks(launches: int, error: float = ERROR) -> bool:
    """Return whether there are enough launches for a signed-rank interval: at least six at 95 %."""
    return 2.0**-launches <= error / 2


def interval_over_launches(logs: Mapping[int, float], error: float = ERROR) -> Interval:
    """Return exp of the centre of `logs` (one logarithm per launch), with its interval of level 1 - `error`.

    Each launch is a cluster: its rounds share its memory layout and its moment, so they count once.
    The centre is the Hodges-Lehmann estimate. The interval is Wilcoxon's signed-rank interval
    (Hollander, Wolfe and Chicken, Nonparametric Statistical Methods, 3.2 and 3.3). Launches have
    two modes and long tails, and a burst of other work moves neither the centre nor the interval
    far. Too few launches for it, at 95 % fewer than six, get the mean and Student's t.
    """
    values = list(logs.values())
    if len(values) < 2:
        return Interval(math.exp(values[0]))
    if not has_ranks(len(values), error):
        centre, half = mean(values), _student_half_width(values, error)
        return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half))
    walsh = sorted((first + second) / 2 for i, first in enumerate(values) for second in values[: i + 1])
    rank, share = signed_rank_tail(len(values), error / 2)
    low = walsh[rank] + share * (walsh[rank + 1] - walsh[rank])
    high = walsh[-1 - rank] - share * (walsh[-1 - rank] - walsh[-2 - rank])
    return Interval(math.exp(median(walsh)), math.exp(low), math.exp(high))


def interval_after_looks(logs: Mapping[int, float]) -> Interval:
    """Return the estimate of a run that stops when its intervals are narrow, with its 95 % interval.

    `logs` has one logarithm per launch, by the launch's number. The level of `interval_over_launches`
    rises with the number of launches, and so of looks. The interval is widened by what the
    correlation of neighbouring launches adds to the variance of their mean, if it is positive.
    """
    if not has_ranks(len(logs)):
        return interval_over_launches(logs)
    error = FIRST_ERROR * min(1.0, LEAST_LAUNCHES / len(logs)) ** LOOKS
    plain = interval_over_launches(logs, error)
    if plain.low is None or plain.high is None:
        return plain
    factor = _correlation_factor([logs[launch] for launch in sorted(logs)], math.log(plain.estimate))
    low, high = (plain.estimate * (end / plain.estimate) ** factor for end in (plain.low, plain.high))
    return Interval(plain.estimate, low, high)


def _correlation_factor(values: Sequence[float], centre: float) -> float:
    """Return the factor of the mean's standard error if neighbouring values are correlated (first-order AR).

    The correlation is corrected for the bias of few values (Marriott and Pope, Biometrika 41, 1954).
    """
    n, parts = len(values), [value - centre for value in values]
    squares = sum(part * part for part in parts)
    if squares == 0:
        return 1.0
    seen = sum(one * other for one, other in pairwise(parts)) / squares
    correlation = min(MOST_CORRELATION, max(0.0, (n * seen + 1) / (n - 3)))
    return math.sqrt((1 + correlation) / (1 - correlation))


PRIOR = 6.0
"""The variance that a change has before it is seen, in variances of a launch; chosen by simulation."""


def log_evidence(values: Sequence[float], inflation: float = 1.0) -> float:
    """Return the logarithm of the evidence (e-value) that the mean of normal values is not 0.

    It is the likelihood ratio of the t statistic between a mean of normal distribution, of PRIOR times the
    variance of a value, and a mean of 0. While the mean is 0, the probability that the evidence ever
    exceeds 1 / p, after any number of values, is at most p: it may be looked at after every value (Lai,
    Annals of Statistics 4, 1976; Pérez-Ortiz, Lardy, de Heide and Grünwald, 2024). `inflation` divides
    the square of t, for values that are not independent.
    """
    n = len(values)
    if n < 2:
        return 0.0
    middle, prior = mean(values), 1 + n * PRIOR
    residual = sum((value - middle) ** 2 for value in values) * inflation
    signal = n * middle**2
    if signal == 0:
        return -math.log(prior) / 2
    return n / 2 * math.log((residual + signal) / (residual + signal / prior)) - math.log(prior) / 2


def standard_errors_of_evidence(n: int, inflation: float, evidence: float) -> float:
    """Return how many standard errors a mean of n values is away from 0 if its `log_evidence` is `evidence`.

    More values than n are taken if n cannot have that evidence.
    """
    prior = 1 + n * PRIOR
    needed = math.exp((2 * evidence + math.log(prior)) / n)
    if needed >= prior:
        return standard_errors_of_evidence(n + 1, inflation, evidence)
    return math.sqrt((needed - 1) / (1 - needed / prior) * (n - 1) * inflation)


MODE_LAUNCHES = 12
"""The least launches in which modes are looked for."""
MODES_APART = 5.0
"""The least distance of two modes, in their standard deviations; see `benchmarks/modes_simulation.py`."""
MODES_DIFFER = 0.02
"""The least difference of two modes that matters."""
MODE_SHARE = 0.1
"""The least share of the launches that makes a mode; three launches at least."""


def modes(logs: Iterable[float]) -> tuple[Mode, ...]:
    """Return the two modes of logarithmic speeds, the slower first; empty if they have only one.

    The values are divided where the sum of squares within both parts is the least. These are modes if
    Ashman's D of them, the distance of their means over the root of their mean variance, is MODES_APART
    or more (Ashman, Bird and Zepf, Astronomical Journal 108, 1994; any two normal modes overlap below 2).
    """
    values = sorted(logs)
    least = max(3, math.ceil(MODE_SHARE * len(values)))
    if len(values) < MODE_LAUNCHES:
        return ()
    sums = list(accumulate(values))

    def between(place: int) -> float:
        """Return the sum of squares between both parts, but for a constant: what is not between is within."""
        return sums[place - 1] ** 2 / place + (sums[-1] - sums[place - 1]) ** 2 / (len(values) - place)

    place = max(range(least, len(values) - least + 1), key=between)
    low, high = values[:place], values[place:]
    apart, spread = mean(high) - mean(low), math.sqrt((variance(low) + variance(high)) / 2)
    if apart < MODES_APART * spread or apart < math.log1p(MODES_DIFFER):
        return ()
    return tuple(Mode(math.exp(median(part)), len(part) / len(values)) for part in (low, high))


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


def reorder_share(breakdowns: Sequence[Breakdown]) -> float | None:
    """Return the share of conversions of layout, the median over launches; None if some launch does not tell."""
    told = [each.reorder_s / each.sum_s for each in breakdowns if each.reorder_s is not None]
    return median(told) if len(told) == len(breakdowns) else None


def median_share(breakdowns: Sequence[Breakdown], category: Category) -> float:
    """Return the fraction of a call's time in a category: the median over launches, of which all together make 1."""
    whole = sum(_median_part(breakdowns, each) for each in breakdowns[0].parts)
    return _median_part(breakdowns, category) / whole if whole else 0.0


def _median_part(breakdowns: Sequence[Breakdown], category: Category) -> float:
    return median(each.parts[category] / each.sum_s for each in breakdowns)


TRACED_FASTER = 0.05
"""The most by which traced calls may be faster than others: tracing only adds time."""


def tracing_agrees(breakdowns: Sequence[Breakdown]) -> bool:
    """Return whether traced calls took about as long as others, or longer; else the machine changed in between."""
    return median(each.traced_s / each.call_s for each in breakdowns) >= 1 - TRACED_FASTER


@cache
def signed_rank_tail(n: int, tail: float) -> tuple[int, float]:
    """Return the index of the Walsh average that bounds the interval, and the step to the next.

    The index counts from either end, beyond which lies the probability `tail`. The step is a
    fraction: ranks are integers, so the coverage changes in steps, and the bound is interpolated
    between the two nearest.
    """
    if n > EXACT_RANKS:
        z = NormalDist().inv_cdf(1 - tail)
        place = n * (n + 1) / 4 - z * math.sqrt(n * (n + 1) * (2 * n + 1) / 24) - 0.5
        return int(place), place - int(place)
    below = signed_rank_cumulative(n)
    rank = bisect_right(below, tail) - 1
    return rank, (tail - below[rank]) / (below[rank + 1] - below[rank])


@cache
def signed_rank_cumulative(n: int) -> Sequence[float]:
    """Return the probabilities that Wilcoxon's signed-rank statistic is at most 0, 1, 2, and so on.

    They count how many of the 2**n patterns of n signs have positive ranks that sum to at most that.
    The last one is that of the middle of all sums.
    """
    most = n * (n + 1) // 4 + 1
    patterns = [1] + [0] * most
    for rank in range(1, n + 1):
        for total in range(most, rank - 1, -1):
            patterns[total] += patterns[total - rank]
    return [count / 2**n for count in accumulate(patterns)]


def _student_half_width(values: Sequence[float], error: float) -> float:
    degrees = len(values) - 1
    return student_t_quantile(1 - error / 2, degrees) * stdev(values) / math.sqrt(len(values))


@cache
def student_t_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t for a probability above one half, by bisection.

    The distribution function has a closed form for integer degrees of freedom (Abramowitz and
    Stegun, 26.7.3 and 26.7.4), so this needs no numerical library.
    """
    low, high = 0.0, 1e6
    while high - low > 1e-10 * max(1.0, high):
        middle = (low + high) / 2
        below = student_t_probability(middle, degrees) < probability
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2


def student_t_probability(t: float, degrees: int) -> float:
    """Return the probability that Student's t is at most `t`."""
    return 0.5 + math.copysign(_central_probability(abs(t), degrees), t) / 2


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
