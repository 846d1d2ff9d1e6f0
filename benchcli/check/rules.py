"""The regression check's rules: from paired log ratios, costs and outputs to outcomes. Nothing here measures or prints.

`docs/regression-checks.md` has the evidence behind them.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from statistics import median
from typing import Literal

from benchcli import formatting
from benchcli.schema import Costs, Interval, Output
from benchcli.statistics import interval_over_launches

SCREEN_LAUNCHES = 3
LAUNCHES = 7
ROUNDS = 12
UNTIL_S = 80.0
"""Until so long into a check, what is inconclusive gets further launches, which can only show it to be the same."""
THRESHOLD_APART = 0.03
"""The least slowdown that counts where base and head are in processes of their own."""
THRESHOLD_TOGETHER = 0.01
"""The same where one process holds both: there the memory layout of a process is no part of the difference."""
NOISE = 2.0
"""A change must be so many times as large as the control's."""
MOST_DIFFERENCE = 1e-3
"""How far the outputs of equal networks may lie apart: two builds of torch add in another order."""
POWER_Z = 0.84
"""Standard errors beyond the threshold at which four in five checks find a change."""

Speed = Literal["slower", "faster", "same", "inconclusive"]


@dataclass(frozen=True)
class Judgement:
    """What the launches say of one variant's time. Changes are of head's time over base's: 1.05 is 5 % slower."""

    outcome: Speed
    change: Interval
    threshold: float
    """A change counts from here: 1 + the threshold, or twice the control's noise where that is more; as a factor."""
    noise: float
    """How far the control, which is base again, lay from base; as a factor."""
    detectable: float
    """The slowdown that four in five such checks would find; as a factor."""
    launches: int
    agreeing: int
    """In how many launches head was on the side of `change`."""


def judge(changes: Mapping[int, float], controls: Mapping[int, float], threshold: float, needed: int) -> Judgement:
    """Judge logarithms of head's and of the control's time over base's, one a launch.

    Slower or faster: the median is beyond the threshold and beyond twice the control's noise, and all but one of
    `needed` launches agree, or all. Same: the interval lies inside the threshold.
    """
    values, others = list(changes.values()), list(controls.values())
    middle = median(values)
    noise = median(map(abs, others))  # never less than the absolute value of their median
    bound = max(math.log1p(threshold), NOISE * noise)
    agreeing = sum(value * middle > 0 for value in values)
    found = interval_over_launches(changes)
    outcome: Speed = "inconclusive"
    if abs(middle) > bound and agreeing >= needed - 1 and agreeing >= len(values) - 1:
        outcome = "slower" if middle > 0 else "faster"
    elif found.is_within(threshold):
        outcome = "same"
    return Judgement(
        outcome=outcome,
        change=Interval(math.exp(middle), found.low, found.high),
        threshold=math.exp(bound),
        noise=math.exp(noise),
        detectable=math.exp(bound + POWER_Z * _standard_error(values)),
        launches=len(values),
        agreeing=agreeing,
    )


def confirmations(launches: int, suspects: int) -> int:
    """Return how many fresh launches confirm so many suspects.

    By chance alone all but one of n launches, or all, lie on one side with probability (n + 1) / 2**n. With several
    suspects there are more, so that the chance of a false alarm in any of them stays that of one.
    """
    allowed, wanted = _by_chance(launches), launches
    while suspects * _by_chance(wanted) > allowed:
        wanted += 1
    return wanted


@dataclass(frozen=True)
class CostChange:
    """One count that is not what it was."""

    name: str
    base: int
    head: int


def describe(change: CostChange) -> str:
    """Say by how much a count changed."""
    share = f" ({formatting.percent(change.head / change.base - 1, signed=True)})" if change.base else ""
    return f"{change.name} {change.base:,} to {change.head:,}{share}"


def cost_changes(base: Costs, head: Costs) -> Iterator[CostChange]:
    """Yield every count that differs, at zero tolerance."""
    for field in fields(Costs):
        was, is_ = getattr(base, field.name), getattr(head, field.name)
        if field.name != "unknown" and was != is_:
            yield CostChange(field.name, was, is_)


def is_finite(output: Output) -> bool:
    """Say whether an output holds numbers only."""
    return all(map(math.isfinite, output.fingerprint))


def difference(base: Output, head: Output) -> float:
    """Return about how far two outputs of one shape lie apart, relative to the first one."""
    pairs = list(zip(base.fingerprint, head.fingerprint, strict=True))
    apart, size = math.sqrt(sum((a - b) ** 2 for a, b in pairs)), math.sqrt(sum(a * a for a, _ in pairs))
    return apart / size if size else (0.0 if apart == 0 else math.inf)


def _by_chance(launches: int) -> float:
    return (launches + 1) / 2.0**launches


def _standard_error(values: Sequence[float]) -> float:
    """Return a median's standard error, from the median deviation: bursts do not move it."""
    middle = median(values)
    deviation = 1.4826 * median(abs(value - middle) for value in values)
    return 1.25 * deviation / math.sqrt(len(values))
