"""Judge claims about the share of time that is not spent in convolutions."""

from collections.abc import Iterator, Sequence

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, absent, unmeasured
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.schema import Breakdown, Category, Record
from benchcli.statistics import median_share
from benchcli.workloads import papers

FIGURE = "shufflenetv2_figure2_runtime"
MODELS = {"shufflenet-v1-1x-g3": "ShuffleNet v1 1x g=3", "mobilenet-v2-1.0": "MobileNet v2 1x"}
PARTS: tuple[Category, Category] = ("elementwise", "data")


class Share(Kind):
    """In each network, element-wise work and data movement take at `least` this share of time."""

    name = "share"
    terms = ("least",)
    traces = True

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the two shares of each network."""
        for family in claim.families:
            records = evidence.family(family)
            if not records:
                yield absent(family)
            for record in records:
                traced = evidence.traced((family, record.variant.name))
                if traced:
                    yield Item(_outcome(traced, claim.terms["least"]), _describe(record, traced))
                else:
                    yield unmeasured(f"{record.variant.name} was not traced")


def _outcome(traced: Sequence[Breakdown], least: float) -> Part:
    """Judge every launch; launches that disagree leave the claim undecided."""
    enough = [(each.parts["elementwise"] + each.parts["data"]) / each.whole_s >= least for each in traced]
    if all(enough):
        return "for"
    return "undecided" if any(enough) else "against"


def _describe(record: Record, traced: Sequence[Breakdown]) -> str:
    elementwise, data = (formatting.percent(median_share(traced, each)) for each in PARTS)
    return f"{record.variant.name}: element-wise {elementwise}, data movement {data}{_published(record)}"


def _published(record: Record) -> str:
    """Return the paper's shares of the network on its device of this kind; empty if it has none."""
    platform = DEVICES[split_name(record.target.device)[0]].column
    model = MODELS.get(record.variant.name, "")
    percents = {
        category: papers.cell(FIGURE, "percent", model=model, platform=platform, category=category)
        for category in ("elemwise", "data", "shuffle")
    }
    if percents["elemwise"] is None:
        return ""
    moved = (percents["data"] or 0.0) + (percents["shuffle"] or 0.0)
    return f" (paper {percents['elemwise']:g} % and {moved:g} %)"


KINDS.add(Share())
