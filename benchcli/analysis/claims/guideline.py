"""Judge claims that are guidelines by the guideline's verdict."""

from collections.abc import Iterator, Mapping

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, Part, absent, unmeasured
from benchcli.analysis.verdicts import Verdict, verdict

PARTS: Mapping[str, Part] = {
    "holds": "for",
    "reversed": "against",
    "no effect": "against",
    "inconclusive": "undecided",
}


class GuidelineVerdict(Kind):
    """The guideline holds on its micro-networks."""

    name = "guideline"

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the verdict on each family."""
        for family in claim.families:
            if family in evidence.results:
                yield _item(verdict(evidence.results[family]))
            else:
                yield absent(family)


def _item(result: Verdict) -> Item:
    if result.relative is None:
        return unmeasured(result.advice or f"{result.variant} has no time")
    speed = f"{result.variant} runs at {formatting.speed(result.relative)} of the speed of {result.baseline}"
    more = result.advice or (result.outcome if PARTS[result.outcome] == "against" else "")
    return Item(PARTS[result.outcome], f"{speed}; {more}" if more else speed)


KINDS.add(GuidelineVerdict())
