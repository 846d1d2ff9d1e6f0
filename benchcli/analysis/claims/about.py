"""Judge claims that one network is about so many times as fast as another."""

from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Item, Kind, Measurements, part, unmeasured
from benchcli.analysis.equal_flops import distrust
from benchcli.noise.diagnosis import host_was_timed
from benchcli.schema import Interval, Record
from benchcli.statistics import quotient

ABOUT = 1.25
"""Two numbers are about equal if they differ by less than this factor."""


class About(Kind):
    """In each of `pairs`, the second network is about `factor` times as fast as the first."""

    name = "about"
    terms = ("pairs",)

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield the measured speedup of each pair."""
        (family,) = claim.families
        for slow_name, fast_name, factor in claim.terms["pairs"]:
            slow, fast = measured.record(family, slow_name), measured.record(family, fast_name)
            speedup = _speedup(slow, fast) if slow and fast else None
            if not (speedup and slow and slow.costs and fast and fast.costs and fast.costs.flops):
                yield unmeasured(f"the family {family} lacks a time of {fast_name} or {slow_name}")
                continue
            reason = distrust(slow) or distrust(fast) or host_was_timed(slow, fast)
            yield Item(
                part("not judged" if reason else speedup.times(1 / factor).compare(ABOUT - 1), "no effect"),
                f"{fast_name} is {formatting.times(speedup)} times as fast as {slow_name}, at "
                f"{slow.costs.flops / fast.costs.flops:.1f} times fewer FLOPs (the paper says {factor:g})"
                + (f"; {reason}" if reason else ""),
            )


def _speedup(slow: Record, fast: Record) -> Interval | None:
    """Return how many times as fast `fast` is, from both speeds relative to the baseline.

    If neither network is the baseline, the intervals are combined as if they were independent.
    They share the baseline's noise, so the result is too wide rather than too narrow.
    """
    fast_speed = fast.timing.relative if fast.timing else None
    slow_speed = slow.timing.relative if slow.timing else None
    if fast_speed is None or slow_speed is None:
        return None
    return quotient(fast_speed, slow_speed)


KINDS.add(About())
