"""Decide outcomes from paired log ratios, costs and outputs.

Nothing here measures or prints. `docs/ci.md` has the evidence behind the rules.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Literal

from benchcli import formatting
from benchcli.schema import Costs, Interval, Output
from benchcli.statistics import interval_over_launches

SCREEN_LAUNCHES = 3
"""Launches that screen all networks."""
ROUNDS = 12
"""Rounds per launch."""
UNTIL_S = 80.0
"""Seconds into a check until which inconclusive networks get further launches.

These launches can only show that a network is the same.
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
POWER_Z = 0.84
"""Standard errors beyond the threshold at which 80 % of checks find a change."""

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
    """The control's median absolute difference from base, as a factor."""
    detectable: float
    """The minimum detectable effect: the slowdown that 80 % of such checks find, as a factor."""
    launches: int
    agreeing: int
    """The number of launches in which head changed in the direction of `change`."""


def judge(changes: Mapping[int, float], controls: Mapping[int, float], threshold: float, needed: int) -> Judgement:
    """Judge log(head / base) and log(control / base) of times, one value per launch.

    slower, faster: the median is beyond the threshold and beyond twice the control's noise, at
    least `needed` - 1 launches agree in direction, and at most one launch does not. same: the
    interval lies within the threshold. Else inconclusive.
    """
    values = list(changes.values())
    middle = median(values)
    # The median of absolute values is never less than the absolute value of the median.
    noise = median(map(abs, controls.values()))
    bound = max(math.log1p(threshold), NOISE * noise)
    agreeing = sum(value * middle > 0 for value in values)
    interval = interval_over_launches(changes)
    outcome: Speed = "inconclusive"
    if abs(middle) > bound and agreeing >= needed - 1 and agreeing >= len(values) - 1:
        outcome = "slower" if middle > 0 else "faster"
    elif interval.is_within(threshold):
        outcome = "same"
    return Judgement(
        outcome=outcome,
        change=Interval(math.exp(middle), interval.low, interval.high),
        threshold=math.exp(bound),
        noise=math.exp(noise),
        detectable=math.exp(bound + POWER_Z * _standard_error(values)),
        launches=len(values),
        agreeing=agreeing,
    )


def confirmations(launches: int, suspects: int) -> int:
    """Return the number of fresh launches that confirm this many suspects.

    By chance alone, at least n - 1 of n launches lie on one given side with probability
    (n + 1) / 2**n. More suspects need more launches, so that the probability of any false alarm
    stays that of one suspect with `launches` launches.
    """
    allowed, needed = _false_alarm_probability(launches), launches
    while suspects * _false_alarm_probability(needed) > allowed:
        needed += 1
    return needed


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
    share = f" ({formatting.percent(change.head / change.base - 1, signed=True)})" if change.base else ""
    unit = next((f" {end}" for end in ("bytes", "elements") if change.name.endswith(f"_{end}")), "")
    return f"{COST_NAMES[change.name]} {change.base:,} to {change.head:,}{unit}{share}"


def cost_changes(base: Costs, head: Costs) -> Iterator[CostChange]:
    """Yield every count that differs; the tolerance is zero."""
    for name in COST_NAMES:
        base_count, head_count = getattr(base, name), getattr(head, name)
        if base_count != head_count:
            yield CostChange(name, base_count, head_count)


def is_finite(output: Output) -> bool:
    """Return whether an output has neither NaN nor infinity."""
    return all(map(math.isfinite, output.fingerprint))


def difference(base: Output, head: Output) -> float:
    """Return the estimated L2 distance of two outputs of one shape, relative to base's norm."""
    # hypot scales its arguments: squares of 1e200 or 1e-200 would be infinite or 0.
    distance = math.hypot(*(a - b for a, b in zip(base.fingerprint, head.fingerprint, strict=True)))
    norm = math.hypot(*base.fingerprint)
    return distance / norm if norm else (0.0 if distance == 0 else math.inf)


def _false_alarm_probability(launches: int) -> float:
    return (launches + 1) / 2.0**launches


def _standard_error(values: Sequence[float]) -> float:
    """Return the median's standard error, from the median absolute deviation (robust to bursts)."""
    middle = median(values)
    deviation = 1.4826 * median(abs(value - middle) for value in values)
    return 1.25 * deviation / math.sqrt(len(values))
