"""One network against others of its family: the baseline is claimed to be the fastest."""

from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, absent, unmeasured
from benchcli.analysis.published import relative_speed
from benchcli.analysis.verdicts import EFFECT
from benchcli.schema import Interval, Record


class Faster(Kind):
    """The baseline is faster than those whose names begin with one of `slower`."""

    name = "faster"
    terms = ("slower",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield a comparison for each family and each of the others."""
        for family in claim.families:
            baseline, *others = evidence.family(family) or (None,)
            found = [each for each in others if each.variant.name.startswith(tuple(claim.terms["slower"]))]
            if baseline is None or not found:
                yield absent(family)
            else:
                yield from (_compared(baseline, each) for each in found)


def _compared(baseline: Record, record: Record) -> Item:
    name, other = record.variant.name, baseline.variant.name
    relative = record.timing.relative if record.timing else None
    if relative is None:
        reason = next((each.failure.error for each in (record, baseline) if each.failure), "it has no baseline")
        return unmeasured(f"{name} beside {other}: {reason}")
    published = relative_speed(record, baseline)
    paper = f" (paper {published:.2f})" if published else ""
    deviation = record.flops_deviation or 0.0
    flops = formatting.percent(deviation, signed=True)
    return Item(
        outcome(relative, deviation),
        f"{name} runs at {formatting.speed(relative)} of the speed of {other}{paper}, FLOPs {flops}",
    )


def outcome(relative: Interval, deviation: float) -> Part:
    """Compare an interval with the claim that the variant is slower; `deviation` is its FLOPs over the baseline's - 1.

    Being slower with more FLOPs, or as fast or faster with fewer, counts only from where it exceeds that.
    """
    if relative.is_below(1 / (1 + max(EFFECT, deviation))):
        return "for"
    alike = relative.is_within(EFFECT) and abs(deviation) <= EFFECT
    faster = relative.is_above(max(1 + EFFECT, 1 / (1 + deviation)))
    return "against" if alike or faster else "undecided"


KINDS.add(Faster())
