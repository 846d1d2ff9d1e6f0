"""What the evidence of a family says of its guideline. Nothing here measures, and nothing prints."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchcli.schema import FamilyResult, Interval, Record
from benchcli.statistics import has_ranks
from benchcli.workloads.guidelines.base import GUIDELINES

HOPELESS = 0.2
"""A half-width from which no number of launches is promised to help."""
EFFECT = 0.02
"""The least relative effect that matters in practice."""
EQUAL_FLOPS = 0.1
"""FLOPs that differ by less are called equal."""

Outcome = Literal["holds", "reversed", "no effect", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """What the evidence of one family says of its guideline."""

    family: str
    guideline: str
    scale: str
    outcome: Outcome
    variant: str
    baseline: str
    relative: Interval | None
    threshold: float
    """The effect that counts, as a fraction: the practical effect, or the FLOPs deviation where larger."""
    advice: str | None
    """What would settle an inconclusive verdict."""


def verdicts(results: Iterable[FamilyResult], effect: float = EFFECT) -> list[Verdict]:
    """Return a verdict for each family of a guideline."""
    return [verdict(result, effect) for result in results if result.family.guideline]


def verdict(result: FamilyResult, effect: float = EFFECT) -> Verdict:
    """Judge the family's extreme variant against its baseline."""
    family, extreme = result.family, result.records[-1]
    relative = extreme.timing.relative if extreme.timing else None
    threshold = max(effect, abs(extreme.flops_deviation or 0.0))
    faster = GUIDELINES[family.guideline].faster
    outcome: Outcome = judge(relative, effect, threshold, faster) if relative else "inconclusive"
    return Verdict(
        family=family.name,
        guideline=family.guideline,
        scale=f"×{family.scale}",
        outcome=outcome,
        variant=family.extreme,
        baseline=family.baseline,
        relative=relative,
        threshold=threshold,
        advice=_advice(result.records, relative, threshold) if outcome == "inconclusive" else None,
    )


def judge(relative: Interval, effect: float, threshold: float, faster: bool) -> Outcome:
    """Compare an interval with the claim.

    Beyond `threshold` on the claimed side it holds, beyond it on the other it is reversed; inside `effect` there
    is none. A factor is as far below 1 as its inverse is above.
    """
    if relative.is_below(1 / (1 + threshold)):
        return "reversed" if faster else "holds"
    if relative.is_above(1 + threshold):
        return "holds" if faster else "reversed"
    return "no effect" if relative.is_within(effect) else "inconclusive"


def _advice(records: Sequence[Record], relative: Interval | None, threshold: float) -> str:
    baseline, extreme = records[0], records[-1]
    for record in (baseline, extreme):
        if record.failure:
            return f"{record.variant.name} has no time: {record.failure.error}"
    if relative is None or relative.relative_half_width is None:
        return "one launch has no interval: give a larger --budget or --launches"
    launches = extreme.timing.launches if extreme.timing else 0
    if not has_ranks(launches) or relative.relative_half_width > HOPELESS:
        return "the interval is far too wide: mind the warnings, and give a larger --budget"
    distance = abs(abs(math.log(relative.estimate)) - math.log1p(threshold))
    needed = math.ceil(launches * (relative.relative_half_width / max(distance, 1e-4)) ** 2) + 1
    if needed > 200:
        return f"the effect is too near {threshold * 100:.1f} % to tell"
    return f"about {needed} launches would settle it: --launches {needed}"
