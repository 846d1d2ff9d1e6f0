"""Where the time goes: how much of it is not spent in convolutions."""

from collections.abc import Iterator

from benchcli import paper, units
from benchcli.claims.base import KINDS, Claim, Evidence, Item, Kind, item, unmeasured
from benchcli.devices.base import DEVICES, split_name
from benchcli.schema import Record
from benchcli.shares import share

FIGURE = "shufflenetv2_figure2_runtime"
MODELS = {"shufflenet-v1-1x-g3": "ShuffleNet v1 1x g=3", "mobilenet-v2-1.0": "MobileNet v2 1x"}


class Share(Kind):
    """In each network of the families, element-wise work and data movement take at `least` so much."""

    name = "share"
    terms = ("least",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the shares of each network."""
        for family in claim.families:
            for record in evidence.family(family):
                traced = evidence.traced((family, record.variant.name))
                if not traced:
                    yield unmeasured(f"{record.variant.name} was not traced")
                    continue
                elementwise, data = share(traced, "elementwise"), share(traced, "data")
                yield item(
                    elementwise + data >= claim.terms["least"],
                    f"{record.variant.name}: element-wise {units.percent(elementwise)}, data movement "
                    f"{units.percent(data)}{_printed(record)}",
                )


def _printed(record: Record) -> str:
    """Return what the figure has of the network on its device of this kind."""
    platform = DEVICES[split_name(record.target.device)[0]].column
    model = MODELS.get(record.variant.name, "")
    found = {
        category: paper.cell(FIGURE, "percent", model=model, platform=platform, category=category)
        for category in ("elemwise", "data", "shuffle")
    }
    if found["elemwise"] is None:
        return ""
    moved = (found["data"] or 0.0) + (found["shuffle"] or 0.0)
    return f" (paper {found['elemwise']:g} % and {moved:g} %)"


KINDS.add(Share())
