"""Judge claims that networks are about as fast as the baseline of their family."""

from collections.abc import Iterator

from benchcli.analysis import equal_flops
from benchcli.analysis.claims.base import KINDS, Claim, Item, Kind, Measurements, absent, part, unmeasured
from benchcli.analysis.claims.speed import describe
from benchcli.schema import Record

COMPARABLE = 4 / 3
"""The largest ratio of comparable speeds. The paper's own comparable figures differ by up to 1.26."""


class Comparable(Kind):
    """At equal FLOPs the variants that match a pattern of `like` are about as fast as the baseline."""

    name = "comparable"
    terms = ("like",)

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield a comparison of each of these variants with the baseline."""
        for family in claim.families:
            others = measured.matching(family, claim.terms["like"])
            if not others:
                yield absent(family)
            for baseline in measured.family(family)[:1]:
                yield from (_item(record, baseline, claim) for record in others)


def _item(record: Record, baseline: Record, claim: Claim) -> Item:
    judgement = equal_flops.judge(record, baseline)
    if judgement.relative is None:
        return unmeasured(f"{record.variant.name} compared with {baseline.variant.name}: {judgement.reason}")
    speed = judgement.at_equal_flops if judgement.outcome != "not judged" else None
    outcome = speed.compare(COMPARABLE - 1) if speed else "not judged"
    return Item(part(outcome, "no effect"), describe(record, baseline, claim.platform, judgement))


KINDS.add(Comparable())
