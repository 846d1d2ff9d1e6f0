"""A guideline's own verdict."""

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


class OfGuideline(Kind):
    """The claim is the guideline's, on its micro-networks."""

    name = "guideline"

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the verdict of each family."""
        for family in claim.families:
            if family in evidence.results:
                yield _item(verdict(evidence.results[family]))
            else:
                yield absent(family)


def _item(found: Verdict) -> Item:
    if found.relative is None:
        return unmeasured(found.advice or f"{found.variant} has no time")
    speed = f"{found.variant} runs at {formatting.speed(found.relative)} of the speed of {found.baseline}"
    more = found.advice or (found.outcome if PARTS[found.outcome] == "against" else "")
    return Item(PARTS[found.outcome], f"{speed}; {more}" if more else speed)


KINDS.add(OfGuideline())
