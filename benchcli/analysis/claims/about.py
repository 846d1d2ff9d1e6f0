"""How many times faster one network is than another."""

from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, unmeasured
from benchcli.schema import Interval, Record
from benchcli.statistics import quotient

ABOUT = 1.25
"""What is within this factor of a number is about that number."""


class About(Kind):
    """Of each of `pairs`, the second is about so many times as fast as the first."""

    name = "about"
    terms = ("pairs",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the factor of each pair."""
        (family,) = claim.families
        for slow_name, fast_name, factor in claim.terms["pairs"]:
            slow, fast = evidence.record(family, slow_name), evidence.record(family, fast_name)
            speedup = _speedup(slow, fast) if slow and fast else None
            if not (speedup and slow and slow.costs and fast and fast.costs):
                yield unmeasured(f"{fast_name} and {slow_name} have no times in one family {family}")
                continue
            yield Item(
                _outcome(speedup, factor),
                f"{fast_name} is {formatting.times(speedup)} times as fast as {slow_name}, at "
                f"{slow.costs.flops / fast.costs.flops:.1f} times fewer FLOPs (paper {factor:g})",
            )


def _speedup(slow: Record, fast: Record) -> Interval | None:
    """Return how many times faster, from the speeds of both relative to their baseline.

    Where neither is the baseline, the intervals are combined as if they were independent. They share the baseline's
    noise, so that the result is too wide rather than too narrow.
    """
    one = fast.timing.relative if fast.timing else None
    other = slow.timing.relative if slow.timing else None
    if one is None or other is None:
        return None
    return quotient(one, other)


def _outcome(speedup: Interval, factor: float) -> Part:
    if speedup.is_above(factor / ABOUT) and speedup.is_below(factor * ABOUT):
        return "for"
    if speedup.is_below(factor / ABOUT) or speedup.is_above(factor * ABOUT):
        return "against"
    return "undecided"


KINDS.add(About())
