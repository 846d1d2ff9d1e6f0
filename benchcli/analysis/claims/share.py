"""Judge claims about the share of time that is not spent in convolutions."""

from collections.abc import Iterator, Sequence
from statistics import median

from benchcli import formatting
from benchcli.analysis.claims.base import (
    KINDS,
    PLATFORMS,
    Claim,
    Item,
    Kind,
    Measurements,
    Part,
    Platform,
    absent,
    unmeasured,
)
from benchcli.schema import Breakdown, Category, Record
from benchcli.statistics import median_share, tracing_agrees
from benchcli.workloads import papers

FIGURE = "shufflenetv2_figure2_runtime"
MEASURED_ON: tuple[Platform, ...] = ("arm", "gpu")
MODELS = {"shufflenet-v1-1x-g3": "ShuffleNet v1 1x g=3", "mobilenet-v2-1.0": "MobileNet v2 1x"}
CONVOLUTIONS: tuple[Category, Category] = ("convolution", "depthwise")
SHOWN: tuple[Category, Category] = ("elementwise", "data")


class Share(Kind):
    """In each network, everything but convolutions takes at `least` this share of the time."""

    name = "share"
    terms = ("least",)
    traces = True

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield the share of each network."""
        for family in claim.families:
            records = measured.family(family)
            if not records:
                yield absent(family)
            for record in records:
                traced = measured.traced((family, record.variant.name))
                if traced and not tracing_agrees(traced):
                    yield Item("not judged", f"{record.variant.name}: calls with profiling were faster than without")
                elif traced:
                    yield Item(_outcome(traced, claim.terms["least"]), _describe(record, traced, claim.terms["least"]))
                else:
                    yield unmeasured(f"{record.variant.name} was not traced")


def _outcome(traced: Sequence[Breakdown], least: float) -> Part:
    """Judge every launch; launches that disagree leave the claim undecided."""
    enough = [_beyond_convolutions(each) >= least for each in traced]
    if all(enough):
        return "for"
    return "undecided" if any(enough) else "against"


def _beyond_convolutions(traced: Breakdown) -> float:
    return 1 - sum(traced.parts[each] for each in CONVOLUTIONS) / traced.sum_s


def _describe(record: Record, traced: Sequence[Breakdown], least: float) -> str:
    beyond = formatting.percent(median(map(_beyond_convolutions, traced)))
    elementwise, data = (formatting.percent(median_share(traced, each)) for each in SHOWN)
    return (
        f"{record.variant.name}: {beyond} of the time is in no convolution, depthwise or dense{_published(record)}, "
        f"and {formatting.percent(least, decimals=0)} is considerable; element-wise {elementwise}, data movement {data}"
    )


def _published(record: Record) -> str:
    """Return the paper's shares of the network on both of its platforms; empty if it has none."""
    model = MODELS.get(record.variant.name, "")
    shares = [
        f"{PLATFORMS[platform]} {100 - percent:g} %"
        for platform in MEASURED_ON
        if (percent := papers.cell(FIGURE, "percent", model=model, platform=platform, category="conv"))
    ]
    return f" (paper: {', '.join(shares)})" if shares else ""


KINDS.add(Share())
