"""Judge claims that the baseline is faster, or slower, than other networks of its family."""

from collections.abc import Iterator

from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, absent
from benchcli.analysis.claims.speed import FASTER, SLOWER, Parts, speed_item


class Faster(Kind):
    """At equal FLOPs the baseline is faster than the variants that match a pattern of `slower`."""

    name = "faster"
    terms = ("slower",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield a comparison of each of these variants with the baseline."""
        yield from _comparisons(claim, evidence, "slower", SLOWER)


class Slower(Kind):
    """At equal FLOPs the baseline is slower than the variants that match a pattern of `faster`."""

    name = "slower"
    terms = ("faster",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield a comparison of each of these variants with the baseline."""
        yield from _comparisons(claim, evidence, "faster", FASTER)


def _comparisons(claim: Claim, evidence: Evidence, term: str, parts: Parts) -> Iterator[Item]:
    for family in claim.families:
        others = evidence.matching(family, claim.terms[term])
        if not others:
            yield absent(family)
        baseline = evidence.family(family)[:1]
        yield from (speed_item(record, first, claim, parts) for first in baseline for record in others)


KINDS.add(Faster())
KINDS.add(Slower())
