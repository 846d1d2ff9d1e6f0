"""Judge claims that are guidelines, on the guidelines' micro-networks."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, absent
from benchcli.analysis.claims.speed import FASTER, SLOWER, speed_item
from benchcli.analysis.verdicts import extreme
from benchcli.schema import FamilyResult, Record
from benchcli.workloads.guidelines.base import GUIDELINES


class GuidelineVerdict(Kind):
    """The guideline holds for `which` of its variants: "all", or the "extreme" one."""

    name = "guideline"
    terms = ("which",)

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield the comparison of these variants with the baseline in each family."""
        for family in claim.families:
            if family not in evidence.results:
                yield absent(family)
                continue
            result = evidence.results[family]
            parts = FASTER if GUIDELINES[result.family.guideline].faster else SLOWER
            for record in _judged(result, claim.terms["which"]):
                yield speed_item(record, result.records[0], claim, parts)


def _judged(result: FamilyResult, which: str) -> Sequence[Record]:
    return result.records[1:] if which == "all" else (extreme(result),)


KINDS.add(GuidelineVerdict())
