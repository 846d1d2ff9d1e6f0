"""Multiply-adds, which are exact."""

from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, item, unmeasured

DIGITS = 0.0005
"""A share is printed with one decimal of a per cent."""


class Flops(Kind):
    """Variants have the `expected` multiply-adds."""

    name = "flops"
    terms = ("expected",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield what was counted of each."""
        (family,) = claim.families
        for variant, expected in claim.terms["expected"].items():
            record = evidence.record(family, variant)
            if record is None or record.costs is None:
                yield unmeasured(f"{variant} was not counted")
            else:
                true = record.costs.flops == expected
                yield item(true, f"{variant}: {record.costs.flops:,} multiply-adds, by the formula {expected:,}")


class Rest(Kind):
    """What a `part` leaves of a `whole`'s multiply-adds is the `share`, to its printed digit."""

    name = "rest"
    terms = ("whole", "part", "share")

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the share that was counted."""
        (family,) = claim.families
        whole, part = (evidence.record(family, claim.terms[name]) for name in ("whole", "part"))
        if whole is None or part is None or whole.costs is None or part.costs is None:
            yield unmeasured(f"{claim.terms['whole']} was not counted")
            return
        share = 1 - part.costs.flops / whole.costs.flops
        true = abs(share - claim.terms["share"]) <= DIGITS
        yield item(true, f"{formatting.percent(share)} of {whole.costs.flops:,} multiply-adds")


KINDS.add(Flops())
KINDS.add(Rest())
