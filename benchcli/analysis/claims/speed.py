"""Turn a network's judged speed into evidence: what the kinds of claims about speed share."""

from benchcli import formatting
from benchcli.analysis import equal_flops
from benchcli.analysis.claims.base import PLATFORMS, Claim, Item, Platform, part, unmeasured
from benchcli.analysis.equal_flops import SpeedJudgement
from benchcli.analysis.published import column_of, relative_speed
from benchcli.analysis.verdicts import paper_speed
from benchcli.schema import Outcome, Record


def speed_item(record: Record, baseline: Record, claim: Claim, expected: Outcome) -> Item:
    """Return the evidence that a comparison at equal FLOPs gives for a claim."""
    judgement = equal_flops.judge(record, baseline)
    if judgement.relative is None:
        return unmeasured(f"{record.variant.name} compared with {baseline.variant.name}: {judgement.reason}")
    return Item(part(judgement.outcome, expected), describe(record, baseline, claim.platform, judgement))


def describe(record: Record, baseline: Record, platform: Platform, judgement: SpeedJudgement) -> str:
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
