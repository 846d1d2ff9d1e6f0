"""Judge whether a guideline holds, from the measurements of a family."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from benchcli.schema import FamilyResult, Interval, Record
from benchcli.statistics import has_ranks
from benchcli.workloads.guidelines.base import GUIDELINES

HOPELESS = 0.2
"""The relative half-width above which the advice names no number of launches."""
EFFECT = 0.02
"""The least relative difference in speed that matters in practice."""
EQUAL_FLOPS = 0.1
"""FLOPs that differ by no more than this fraction count as equal."""

Outcome = Literal["holds", "reversed", "no effect", "inconclusive"]


@dataclass(frozen=True)
class Verdict:
    """The verdict of one family on its guideline."""

    family: str
    guideline: str
    scale: str
    outcome: Outcome
    variant: str
    baseline: str
    relative: Interval | None
    threshold: float
    """The least effect that counts, as a fraction.

    It is the larger of the practical effect and the FLOPs deviation.
    """
    advice: str | None
    """How to settle an inconclusive verdict; None for the others."""


def verdicts(results: Iterable[FamilyResult], effect: float = EFFECT) -> list[Verdict]:
    """Return a verdict for each family that tests a guideline."""
    return [verdict(result, effect) for result in results if result.family.guideline]


def verdict(result: FamilyResult, effect: float = EFFECT) -> Verdict:
    """Compare the family's extreme variant, its last one, with its baseline."""
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
    """Compare the interval of a relative speed with the guideline's claim.

    holds: the interval is beyond `threshold` on the claimed side. reversed: it is beyond on the
    other side. no effect: it lies within `effect`. Else inconclusive. The bounds are symmetric in
    logarithm: 1 / (1 + x) and 1 + x.
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
        return "the interval is far too wide: see the warnings, and give a larger --budget"
    distance = abs(abs(math.log(relative.estimate)) - math.log1p(threshold))
    needed = math.ceil(launches * (relative.relative_half_width / max(distance, 1e-4)) ** 2) + 1
    if needed > 200:
        return f"the effect is too close to {threshold * 100:.1f} % to decide"
    return f"about {needed} launches should decide it: --launches {needed}"
