"""Judge claims that networks are about as fast as the baseline of their family."""

from collections.abc import Iterator

from benchcli.analysis import equal_flops
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, absent, unmeasured
from benchcli.analysis.claims.speed import describe
from benchcli.schema import Interval, Record

COMPARABLE = 4 / 3
"""The largest ratio of comparable speeds. The paper's own comparable figures differ by up to 1.26."""


class Comparable(Kind):
    """At equal FLOPs the variants that match a pattern of `like` are about as fast as the baseline."""

    name = "comparable"
    terms = ("like",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield a comparison of each of these variants with the baseline."""
        for family in claim.families:
            others = evidence.matching(family, claim.terms["like"])
            if not others:
                yield absent(family)
            for baseline in evidence.family(family)[:1]:
                yield from (_item(record, baseline, claim) for record in others)


def _item(record: Record, baseline: Record, claim: Claim) -> Item:
    judgement = equal_flops.judge(record, baseline)
    if judgement.relative is None:
        return unmeasured(f"{record.variant.name} compared with {baseline.variant.name}: {judgement.reason}")
    if judgement.outcome == "not judged" or judgement.at_equal_flops is None:
        return Item("not judged", describe(record, baseline, claim.platform, judgement))
    return Item(_part(judgement.at_equal_flops), describe(record, baseline, claim.platform, judgement))


def _part(speed: Interval) -> Part:
    if speed.is_within(COMPARABLE - 1):
        return "for"
    return "against" if speed.is_above(COMPARABLE) or speed.is_below(1 / COMPARABLE) else "undecided"


KINDS.add(Comparable())
