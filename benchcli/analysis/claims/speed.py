"""Judge claims about relative speed: of networks beside a baseline, of pairs, and of guidelines."""

from collections.abc import Iterator
from typing import ClassVar

from benchcli import formatting
from benchcli.analysis import equal_flops
from benchcli.analysis.claims.base import (
    KINDS,
    PLATFORMS,
    Claim,
    Item,
    Kind,
    Measurements,
    Platform,
    absent,
    part,
    unmeasured,
)
from benchcli.analysis.equal_flops import EFFECT, SpeedJudgement, distrust
from benchcli.analysis.paper_effect import paper_speed
from benchcli.analysis.published import column_of, relative_speed
from benchcli.analysis.verdicts import extreme
from benchcli.noise.diagnosis import host_was_timed
from benchcli.schema import Interval, Outcome, Record
from benchcli.statistics import quotient
from benchcli.workloads.guidelines.base import EXPERIMENTS

COMPARABLE = 4 / 3
"""The largest ratio of comparable speeds. The paper's own comparable figures differ by up to 1.26."""
ABOUT = 1.25
"""Two numbers are about equal if they differ by less than this factor."""


class BesideBaseline(Kind):
    """At equal FLOPs the variants that match a pattern have the expected speed relative to the baseline."""

    expected: ClassVar[Outcome]
    threshold: ClassVar[float] = EFFECT

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield a comparison of each of these variants with the baseline."""
        for family in claim.families:
            others = measured.matching(family, claim.terms[self.terms[0]])
            if not others:
                yield absent(family)
            for baseline in measured.family(family)[:1]:
                yield from (_item(record, baseline, claim, self.expected, self.threshold) for record in others)


class Faster(BesideBaseline):
    """The baseline is faster than the variants that match a pattern of `slower`."""

    name = "faster"
    terms = ("slower",)
    expected = "slower"


class Slower(BesideBaseline):
    """The baseline is slower than the variants that match a pattern of `faster`."""

    name = "slower"
    terms = ("faster",)
    expected = "faster"


class Comparable(BesideBaseline):
    """The variants that match a pattern of `like` are about as fast as the baseline."""

    name = "comparable"
    terms = ("like",)
    expected = "no effect"
    threshold = COMPARABLE - 1


class GuidelineVerdict(Kind):
    """The guideline holds for `which` of its variants: "all", or the "extreme" one."""

    name = "guideline"
    terms = ("which",)

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield the comparison of these variants with the baseline in each family."""
        for family in claim.families:
            if family not in measured.results:
                yield absent(family)
                continue
            result = measured.results[family]
            expected: Outcome = "faster" if EXPERIMENTS[result.family.guideline].faster else "slower"
            for record in result.records[1:] if claim.terms["which"] == "all" else [extreme(result)]:
                yield _item(record, result.records[0], claim, expected)


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


def _item(record: Record, baseline: Record, claim: Claim, expected: Outcome, threshold: float = EFFECT) -> Item:
    """Return the evidence that a comparison at equal FLOPs gives for a claim."""
    judgement = equal_flops.judge(record, baseline)
    if judgement.relative is None:
        return unmeasured(f"{record.variant.name} compared with {baseline.variant.name}: {judgement.reason}")
    speed = judgement.at_equal_flops if judgement.outcome != "not judged" else None
    outcome = speed.compare(threshold) if speed else "not judged"
    return Item(part(outcome, expected), _describe(record, baseline, claim.platform, judgement))


def _describe(record: Record, baseline: Record, platform: Platform, judgement: SpeedJudgement) -> str:
    """Return the measured and the published relative speed as text."""
    assert judgement.relative  # noqa: S101  the callers checked it
    speed = f"{record.variant.name} runs at {formatting.speed(judgement.relative)} of the speed of "
    deviation = formatting.percent(record.flops_deviation or 0.0, signed=True)
    converted = f", {formatting.speed(judgement.at_equal_flops)} at equal FLOPs" if judgement.at_equal_flops else ""
    flops = f"; FLOPs {deviation}{converted}" if converted and deviation != "0.0 %" else ""
    reason = f"; {judgement.reason}" if judgement.reason else ""
    return f"{speed}{baseline.variant.name}{_published(record, baseline, platform)}{flops}{reason}"


def _published(record: Record, baseline: Record, platform: Platform) -> str:
    """Return the paper's relative speed on the claim's platform as text; empty if it has none."""
    if record.family.guideline:
        published = paper_speed(record)
    else:
        published = relative_speed(record, baseline, None if platform == "any" else platform)
    name = PLATFORMS[column_of(record) if platform == "any" else platform]
    return f" (paper, {name}: {published:.2f})" if published else ""


KINDS.add(About())
KINDS.add(Comparable())
KINDS.add(Faster())
KINDS.add(GuidelineVerdict())
KINDS.add(Slower())
