"""One network against others of its family: the baseline is claimed to be the fastest."""

from collections.abc import Iterator

from benchcli import units
from benchcli.blocks.base import BLOCKS
from benchcli.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, unmeasured
from benchcli.devices.base import DEVICES, split_name
from benchcli.networks.published import network_of
from benchcli.schema import Interval, Record
from benchcli.verdicts import EFFECT

SPEEDS = {"arm": "arm_images_per_s", "gpu": "gpu_batches_per_s"}


class Faster(Kind):
    """The baseline is faster than those whose names begin with one of `slower`."""

    name = "faster"
    terms = ("slower",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield a comparison for each family and each of the others."""
        for family in claim.families:
            baseline, *others = evidence.family(family) or (None,)
            found = [each for each in others if each.variant.name.startswith(tuple(claim.terms["slower"]))]
            if baseline is None or not found:
                yield unmeasured(f"{family} was not measured")
            else:
                yield from (_compared(baseline, each) for each in found)


def _compared(baseline: Record, record: Record) -> Item:
    name, other = record.variant.name, baseline.variant.name
    relative = record.timing.relative if record.timing else None
    if relative is None:
        reason = next((each.failure.error for each in (record, baseline) if each.failure), "it has no baseline")
        return unmeasured(f"{name} beside {other}: {reason}")
    published = _published(baseline, record)
    paper = f" (paper {published:.2f})" if published else ""
    deviation = record.flops_deviation or 0.0
    flops = units.percent(deviation, signed=True)
    return Item(
        outcome(relative, deviation),
        f"{name} runs at {units.speed(relative)} of the speed of {other}{paper}, FLOPs {flops}",
    )


def outcome(relative: Interval, deviation: float) -> Part:
    """Compare an interval with the claim that the variant is slower; `deviation` is its FLOPs over the baseline's - 1.

    Being slower with more FLOPs, or faster with fewer, counts only from where it exceeds that.
    """
    if relative.low is None or relative.high is None:
        return "inconclusive"
    if relative.high < 1 / (1 + max(EFFECT, deviation)):
        return "holds"
    if relative.low > 1 + max(EFFECT, -deviation) or (relative.low > 1 / (1 + EFFECT) and relative.high < 1 + EFFECT):
        return "fails"
    return "inconclusive"


def _published(baseline: Record, record: Record) -> float | None:
    """Return the published relative speed on the paper's device of this kind."""
    column = DEVICES[split_name(record.target.device)[0]].column
    if record.family.catalogue == "blocks":
        block, width = BLOCKS[record.variant.name], int(record.family.widths)
        size = record.variant.shape[-1]
        return block.paper_relative_speed(width, size, baseline.variant.name) if column == "arm" else None
    speeds = []
    for each in (record, baseline):
        network = network_of(each)
        speeds.append(network.printed.number(SPEEDS[column]) if network and network.printed else None)
    here, there = speeds
    return here / there if here and there else None


KINDS.add(Faster())
