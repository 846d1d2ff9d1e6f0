"""Judge claims that are guidelines, on the guidelines' micro-networks."""

from collections.abc import Iterator, Sequence

from benchcli.analysis.claims.base import KINDS, Claim, Item, Kind, Measurements, absent
from benchcli.analysis.claims.speed import speed_item
from benchcli.analysis.verdicts import extreme
from benchcli.schema import FamilyResult, Outcome, Record
from benchcli.workloads.guidelines.base import GUIDELINES


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
            expected: Outcome = "faster" if GUIDELINES[result.family.guideline].faster else "slower"
            for record in _judged(result, claim.terms["which"]):
                yield speed_item(record, result.records[0], claim, expected)


def _judged(result: FamilyResult, which: str) -> Sequence[Record]:
    return result.records[1:] if which == "all" else (extreme(result),)


KINDS.add(GuidelineVerdict())
