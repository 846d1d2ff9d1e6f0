"""How many times faster one network is than another."""

import math
from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, unmeasured
from benchcli.schema import Interval, Record

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
    middle = one.estimate / other.estimate
    if one.low is None or one.high is None or other.low is None or other.high is None:
        return Interval(middle)
    below = math.hypot(math.log(one.estimate / one.low), math.log(other.high / other.estimate))
    above = math.hypot(math.log(one.high / one.estimate), math.log(other.estimate / other.low))
    return Interval(middle, middle * math.exp(-below), middle * math.exp(above))


def _outcome(speedup: Interval, factor: float) -> Part:
    if speedup.low is None or speedup.high is None:
        return "undecided"
    if factor / ABOUT < speedup.low and speedup.high < factor * ABOUT:
        return "for"
    if speedup.high < factor / ABOUT or speedup.low > factor * ABOUT:
        return "against"
    return "undecided"


KINDS.add(About())
