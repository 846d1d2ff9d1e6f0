"""Intervals on paired samples; the unit of evidence is the launch."""

import math
from collections.abc import Mapping, Sequence
from functools import cache
from statistics import mean, median, stdev

from benchcli.schema import Interval, Sample

CONFIDENCE = 0.95


def launch_log_ratios(baseline: Sequence[Sample], variant: Sequence[Sample]) -> dict[int, float]:
    """Return per launch the median over its rounds of ln(baseline seconds / variant seconds).

    Only rounds in which both were sampled count: the pairing takes away what disturbed both.
    """
    partner = {(sample.launch, sample.round): sample.seconds for sample in baseline}
    ratios: dict[int, list[float]] = {}
    for sample in variant:
        if (sample.launch, sample.round) in partner:
            ratio = partner[sample.launch, sample.round] / sample.seconds
            ratios.setdefault(sample.launch, []).append(math.log(ratio))
    return {launch: median(values) for launch, values in ratios.items()}


def launch_log_seconds(samples: Sequence[Sample]) -> dict[int, float]:
    """Return per launch the logarithm of the median seconds per call."""
    seconds: dict[int, list[float]] = {}
    for sample in samples:
        seconds.setdefault(sample.launch, []).append(sample.seconds)
    return {launch: math.log(median(values)) for launch, values in seconds.items()}


def interval_over_launches(logs: Mapping[int, float]) -> Interval:
    """Return exp of the mean of one logarithm a launch, with Student's t interval over the launches.

    Each launch is a cluster: its rounds share its memory layout and its moment, so they count once.
    """
    values = list(logs.values())
    centre = mean(values)
    if len(values) < 2:
        return Interval(math.exp(centre))
    half = student_t_quantile(0.5 + CONFIDENCE / 2, len(values) - 1) * stdev(values) / math.sqrt(len(values))
    return Interval(math.exp(centre), math.exp(centre - half), math.exp(centre + half))


@cache
def student_t_quantile(probability: float, degrees: int) -> float:
    """Return the quantile of Student's t for a probability above one half, by bisection.

    The distribution function has a closed form for whole degrees of freedom (Abramowitz and Stegun, 26.7.3
    and 26.7.4), so no numerical library is loaded for this one number.
    """
    low, high = 0.0, 1e6
    while high - low > 1e-10 * max(1.0, high):
        middle = (low + high) / 2
        below = 0.5 + _central_probability(middle, degrees) / 2 < probability
        low, high = (middle, high) if below else (low, middle)
    return (low + high) / 2


def _central_probability(t: float, degrees: int) -> float:
    """Return the probability that Student's t lies within -t and t."""
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
