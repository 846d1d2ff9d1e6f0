"""Decide outcomes from paired log ratios, costs and outputs.

Nothing here measures or prints. `docs/ci.md` has the evidence behind the rules, and
`benchmarks/gate_simulation.py` the figures.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import NormalDist, median, stdev
from typing import Literal

from benchcli import formatting
from benchcli.schema import Costs, Interval, OutputPart
from benchcli.statistics import (
    interval_over_launches,
    log_evidence,
    standard_errors_of_evidence,
    student_t_probability,
)

SCREEN_LAUNCHES = 3
"""Launches that screen all networks."""
ROUNDS = 12
"""Rounds per launch."""
UNTIL_S = 80.0
"""Seconds into a check until which inconclusive networks get further launches."""
RENEW = 2
"""Launches per fork server.

All launches of a fork server share the addresses of its libraries.
"""
SHARED = 0.5
"""The share of the variance that launches of one fork server may have in common.

It is an assumption on the safe side: `1 + (RENEW - 1) * SHARED` is by how much the variance of the mean may be
larger than that of independent launches.
"""
ERROR = 0.04
"""The probability to which a check's evidence limits any false finding of slower or faster, over all networks.

What a change must exceed besides, the threshold and the control's noise, makes it smaller.
"""
LEAST_CHANGE = 4
"""The least launches that show a change, however clear."""
SAME_LOOKS: Mapping[int, float] = {3: 0.05, 6: 0.015, 9: 0.01, **dict.fromkeys((12, 18, 27, 40, 60), 0.005)}
"""After which number of launches a network may be called the same, and the error of the interval that decides.

A change of exactly the threshold is called the same with at most half of the sum of these errors, 5 %.
"""
THRESHOLD_APART = 0.03
"""The least slowdown that counts if base and head run in separate processes."""
THRESHOLD_TOGETHER = 0.01
"""The least slowdown that counts if one process runs both versions.

It is lower, because both versions then share the process's memory layout.
"""
NOISE = 2.0
"""A change must exceed the control's noise by this factor."""
MOST_DIFFERENCE = 1e-3
"""The relative difference that outputs of equal networks may have.

Two builds of torch add in different orders.
"""
LEAST_DIFFERENCE = 1e-5
"""The same of outputs that hardly depend on their inputs, of which `MOST_DIFFERENCE` is of the part that does.

It is above what adding in another order makes of float32.
"""
THRESHOLD_OF_MEAN = 0.05
"""The least slowdown that counts of the mean where the median has none: it varies more."""
OF_MEAN = 4
"""The part of ERROR, one in so many, that the mean may take besides."""
POWER = 0.8
"""The least share of such checks that find the minimum detectable effect."""
CASES = [
    (NormalDist().inv_cdf(0.5 + (number + 0.5) / 40), NormalDist().inv_cdf((number * 7 % 20 + 0.5) / 20))
    for number in range(20)
]
"""Equally likely cases of two independent standard normal variables, the first one without its sign."""
MEDIAN_ERROR = 1.25
"""The standard error of a median over that of a mean, for normal values."""

MOST_DETECTABLE = 10.0
"""The largest logarithm of a minimum detectable effect: few launches that differ wildly tell of none."""

Speed = Literal["slower", "faster", "same", "inconclusive"]


@dataclass(frozen=True)
class Judgement:
    """The outcome for one variant's time.

    Changes are factors, head's time over base's: 1.05 is 5 % slower.
    """

    outcome: Speed
    change: Interval
    threshold: float
    """The least factor that counts: 1 + the threshold, or twice the control's noise if larger."""
    noise: float
    """The control's median difference from base, as a factor of at least 1."""
    detectable: float
    """The minimum detectable effect: the slowdown that at least 80 % of such checks find, as a factor.

    It is not below `threshold`: this check finds nothing below that.
    """
    launches: int
    agreeing: int
    """The number of launches in which head changed in the direction of `change`."""
    left_out: int = 0
    """Launches that count for nothing, as all their samples were taken on a slow core."""
    mean: Interval | None = None
    """The change of the mean, where that is slower though the median is not: some calls take far longer."""


def judge(
    changes: Mapping[int, float], controls: Mapping[int, float], threshold: float, networks: int, launches: int = 0
) -> Judgement:
    """Judge log(head / base) and log(control / base) of times, one value per launch.

    Each launch gives z = log(head / base) - log(control / base) / 2: head over the geometric mean of both runs of
    base. slower, faster: the centre of z is beyond the threshold and beyond twice the control's noise, its 95 %
    interval does not contain 0, and the evidence that z is not 0 suffices for the number of `networks`. It may be
    looked at after every launch. same: after certain numbers of launches only, if the interval lies within the
    threshold. Else inconclusive.

    `launches` is the least number that the check makes of a network that stays inconclusive. What is called the
    same after fewer would have had as many if it were slower, which the minimum detectable effect takes into account.
    """
    values, moved = differences_of(changes, controls)
    outcome, change, bound = decide(values, moved, threshold, networks)
    middle = math.log(change.estimate)
    least = detectable(values, moved, threshold, networks, max(launches, len(values)))
    return Judgement(
        outcome=outcome,
        change=change,
        threshold=math.exp(bound),
        noise=math.exp(abs(median(moved))),
        detectable=math.exp(min(MOST_DETECTABLE, max(bound, least))),
        launches=len(values),
        agreeing=sum(value * middle > 0 for value in values),
    )


def decide(
    values: Sequence[float], moved: Sequence[float], threshold: float, networks: int
) -> tuple[Speed, Interval, float]:
    """Return the outcome of `judge`, the change, and the logarithm of the least change that counts."""
    bound = max(math.log1p(threshold), NOISE * abs(median(moved)))
    differences = dict(enumerate(values))
    change = interval_over_launches(differences)
    middle = math.log(change.estimate)
    if len(values) >= LEAST_CHANGE and change.min_log_change > 0 and abs(middle) > bound:
        is_certain = log_evidence(values, _inflation()) >= math.log(networks / ERROR)
        return ("slower" if middle > 0 else "faster") if is_certain else "inconclusive", change, bound
    return "same" if _is_same(differences, threshold) else "inconclusive", change, bound


def with_mean(
    judgement: Judgement, changes: Mapping[int, float], controls: Mapping[int, float], networks: int
) -> Judgement:
    """Return the judgement of the medians, changed where the means of the launches contradict it.

    `changes` and `controls` are those of `judge`, of means. If they are slower, with the certainty that `judge`
    asks of medians, the network is. While they only seem to be, it is not called the same or faster.
    """
    values, moved = differences_of(changes, controls)
    outcome, change, bound = decide(values, moved, THRESHOLD_OF_MEAN, OF_MEAN * networks)
    above = change.estimate > max(math.exp(bound), judgement.change.estimate)
    if judgement.outcome == "slower" or not above:
        return judgement
    return replace(judgement, outcome="slower" if outcome == "slower" else "inconclusive", mean=change)


def differences_of(changes: Mapping[int, float], controls: Mapping[int, float]) -> tuple[list[float], list[float]]:
    """Return `judge`'s z and log(control / base) of each launch that has both."""
    both = sorted(changes.keys() & controls.keys())
    return [changes[launch] - controls[launch] / 2 for launch in both], [controls[launch] for launch in both]


COST_NAMES: Mapping[str, str] = {
    "flops": "FLOPs",
    "params": "parameters",
    "elementwise": "elements written by element-wise operators",
    "mac_elements": "memory access by the paper's formula",
    "mac_bytes": "memory access",
    "mac_fused_bytes": "memory access if fused",
    "mac_compulsory_bytes": "least possible memory access",
}
"""The counts of `Costs` that a check compares, and what people read for them.

How much memory is alive at once is not compared: writing in place or not is no change of costs.
"""


@dataclass(frozen=True)
class CostChange:
    """One count that differs between base and head."""

    name: str
    base: int
    head: int


def describe(change: CostChange) -> str:
    """Return the change of a count as text."""
    percent = formatting.percent(change.head / change.base - 1, signed=True) if change.base else ""
    share = (
        f" ({percent if percent != formatting.percent(0.0) else f'{change.head - change.base:+,}'})" if percent else ""
    )
    unit = next((f" {end}" for end in ("bytes", "elements") if change.name.endswith(f"_{end}")), "")
    return f"{COST_NAMES[change.name]} {change.base:,} to {change.head:,}{unit}{share}"


def cost_changes(base: Costs, head: Costs) -> Iterator[CostChange]:
    """Yield every count that differs; the tolerance is zero."""
    for name in COST_NAMES:
        base_count, head_count = getattr(base, name), getattr(head, name)
        if base_count != head_count:
            yield CostChange(name, base_count, head_count)


def difference(base: OutputPart, head: OutputPart) -> float:
    """Return the estimated L2 distance of two tensors of one shape, relative to base's norm."""
    # hypot scales its arguments: squares of 1e200 or 1e-200 would be infinite or 0.
    distance = math.hypot(*(a - b for a, b in zip(base.fingerprint, head.fingerprint, strict=True)))
    norm = max(math.hypot(*base.fingerprint), base.rounding)
    return distance / norm if norm else (0.0 if distance == 0 else math.inf)


def _is_same(differences: Mapping[int, float], threshold: float) -> bool:
    """Return whether it is time to look for *same*, and the interval that decides lies within the threshold."""
    error = SAME_LOOKS.get(len(differences))
    return error is not None and interval_over_launches(differences, error).is_within(threshold)


def _inflation() -> float:
    """Return by how much the variance of a mean may exceed that of independent launches."""
    return 1 + (RENEW - 1) * SHARED


def detectable(
    values: Sequence[float], controls: Sequence[float], threshold: float, networks: int, launches: int
) -> float:
    """Return the logarithm of the change that `POWER` of checks with so many launches find, from those so far.

    The centre must exceed the threshold, twice the median of a control without a difference, and what the evidence
    takes. The spread of such checks is known from these launches only, hence Student's t, and varies.
    """
    n = launches
    if len(values) < 2:
        return math.log1p(threshold)
    error, noise = (stdev(each) / math.sqrt(n) for each in (values, controls))
    certain = error * standard_errors_of_evidence(max(n, LEAST_CHANGE), _inflation(), math.log(networks / ERROR))
    controlled = NOISE * MEDIAN_ERROR * noise
    bounds = [
        max(math.log1p(threshold), controlled * of_noise, certain * math.exp(of_spread / math.sqrt(n)))
        for of_noise, of_spread in CASES
    ]
    if error == 0:
        return min(MOST_DETECTABLE, max(bounds))
    low, high = 0.0, MOST_DETECTABLE
    while high - low > 1e-6:
        middle = (low + high) / 2
        power = sum(student_t_probability((middle - bound) / error, len(values) - 1) for bound in bounds) / len(bounds)
        low, high = (low, middle) if power > POWER else (middle, high)
    return high
