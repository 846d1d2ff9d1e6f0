"""Judge claims that the baseline is faster, or slower, than other networks of its family."""

from collections.abc import Iterator
from typing import Literal

from benchcli.analysis.claims.base import KINDS, Claim, Item, Kind, Measurements, absent
from benchcli.analysis.claims.speed import speed_item


class Faster(Kind):
    """At equal FLOPs the baseline is faster than the variants that match a pattern of `slower`."""

    name = "faster"
    terms = ("slower",)

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield a comparison of each of these variants with the baseline."""
        yield from _comparisons(claim, measured, "slower")


class Slower(Kind):
    """At equal FLOPs the baseline is slower than the variants that match a pattern of `faster`."""

    name = "slower"
    terms = ("faster",)

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield a comparison of each of these variants with the baseline."""
        yield from _comparisons(claim, measured, "faster")


def _comparisons(claim: Claim, measured: Measurements, expected: Literal["faster", "slower"]) -> Iterator[Item]:
    for family in claim.families:
        others = measured.matching(family, claim.terms[expected])
        if not others:
            yield absent(family)
        baseline = measured.family(family)[:1]
        yield from (speed_item(record, first, claim, expected) for first in baseline for record in others)


KINDS.add(Faster())
KINDS.add(Slower())
