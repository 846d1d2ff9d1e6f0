"""Judge claims that the baseline is faster than other networks of its family."""

from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, absent, unmeasured
from benchcli.analysis.published import relative_speed
from benchcli.analysis.verdicts import EFFECT
from benchcli.schema import Interval, Record


class Faster(Kind):
    """The baseline is faster than the variants whose names begin with one of `slower`."""

    name = "faster"
    terms = ("slower",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield a comparison of the baseline with each of these variants."""
        for family in claim.families:
            baseline, *others = evidence.family(family) or (None,)
            slower = [each for each in others if each.variant.name.startswith(tuple(claim.terms["slower"]))]
            if baseline is None or not slower:
                yield absent(family)
            else:
                yield from (_compare(baseline, record) for record in slower)


def _compare(baseline: Record, record: Record) -> Item:
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
    """Compare a relative speed with the claim that the variant is slower than the baseline.

    `deviation` is the variant's FLOPs over the baseline's, minus 1. A slower variant with more
    FLOPs, or a faster one with fewer, is evidence only if the speeds differ by more than the FLOPs.
    Equal speed at equal FLOPs is evidence against the claim.
    """
    if relative.is_below(1 / (1 + max(EFFECT, deviation))):
        return "for"
    alike = relative.is_within(EFFECT) and abs(deviation) <= EFFECT
    faster = relative.is_above(max(1 + EFFECT, 1 / (1 + deviation)))
    return "against" if alike or faster else "undecided"


KINDS.add(Faster())
