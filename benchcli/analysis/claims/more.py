"""More of something that is counted: memory access cost, or channels."""

from collections.abc import Iterator

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Evidence, Item, Kind, absent, item
from benchcli.schema import Record


class More(Kind):
    """In each family, all that begin with `more` have more of a `column` than all that begin with `less`."""

    name = "more"
    terms = ("column", "less", "more")

    def items(self, claim: Claim, evidence: Evidence) -> Iterator[Item]:
        """Yield each pair."""
        column = claim.terms["column"]
        for family in claim.families:
            less, more = (
                [
                    each
                    for each in evidence.family(family)
                    if each.costs and each.variant.name.startswith(claim.terms[end])
                ]
                for end in ("less", "more")
            )
            if not less or not more:
                yield absent(family)
            for one in more:
                for other in less:
                    true = _amount(one, column) > _amount(other, column)
                    yield item(true, f"{_said(one, column)}, {_said(other, column)}")


def _amount(record: Record, column: str) -> int:
    return int(record.variant.channels) if column == "channels" else int(getattr(record.costs, column))


def _said(record: Record, column: str) -> str:
    amount = _amount(record, column)
    text = f"{amount} channels" if column == "channels" else formatting.prefixed(amount, "B")
    return f"{record.variant.name} {text}"


KINDS.add(More())
