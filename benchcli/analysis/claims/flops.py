"""Judge claims about exact numbers of multiply-adds."""

from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Item, Kind, Measurements, item, unmeasured

DIGITS = 0.0005
"""Tolerance of a share: the paper prints shares to 0.1 %."""


class Flops(Kind):
    """Each variant has the `expected` number of multiply-adds; `where` gives the symbols' values."""

    name = "flops"
    terms = ("expected", "where")

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield the counted and the expected multiply-adds of each variant."""
        (family,) = claim.families
        for variant, expected in claim.terms["expected"].items():
            record = measured.record(family, variant)
            if record is None or record.costs is None or not record.costs.flops_complete:
                yield unmeasured(f"{variant} has no costs in this run")
            else:
                is_equal = record.costs.flops == expected
                yield item(
                    is_equal,
                    f"{variant}: {record.costs.flops:,} multiply-adds, by the formula {expected:,} "
                    f"({claim.terms['where']})",
                )


class Rest(Kind):
    """The multiply-adds of `whole` without `part` are a `share` of `whole`, to 0.1 %."""

    name = "rest"
    terms = ("whole", "part", "share")

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield the counted share."""
        (family,) = claim.families
        whole, part = (measured.record(family, claim.terms[name]) for name in ("whole", "part"))
        counted = [record.costs for record in (whole, part) if record and record.costs and record.costs.flops_complete]
        if len(counted) < 2 or not counted[0].flops:
            yield unmeasured(f"{claim.terms['whole']} has no costs in this run")
            return
        share = 1 - counted[1].flops / counted[0].flops
        is_equal = abs(share - claim.terms["share"]) <= DIGITS
        yield item(is_equal, f"{formatting.percent(share)} of {counted[0].flops:,} multiply-adds")


KINDS.add(Flops())
KINDS.add(Rest())
