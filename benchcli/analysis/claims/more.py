"""Judge claims that some variants have more memory access cost or channels than others."""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase

from benchcli import formatting
from benchcli.analysis.claims.base import KINDS, Claim, Item, Kind, Measurements, absent, item
from benchcli.analysis.equal_flops import EQUAL_FLOPS
from benchcli.schema import Record

BOUNDS: Mapping[str, str] = {
    "mac_bytes": ", no operator fused",
    "mac_fused_bytes": ", element-wise operators fused",
    "mac_compulsory_bytes": ", the least possible",
}
"""What a column of memory access cost assumes."""


class More(Kind):
    """In each family, variants that match `more` exceed variants that match `less` in a `column`.

    `more` and `less` are patterns of variant names; `column` is "channels" or a field of `Costs`.
    """

    name = "more"
    terms = ("column", "less", "more")

    def items(self, claim: Claim, measured: Measurements) -> Iterator[Item]:
        """Yield a comparison of each pair of variants."""
        column = claim.terms["column"]
        for family in claim.families:
            less, more = (
                [
                    each
                    for each in measured.family(family)
                    if each.costs and fnmatchcase(each.variant.name, claim.terms[end])
                ]
                for end in ("less", "more")
            )
            if not less or not more:
                yield absent(family)
            for one in more:
                for other in less:
                    yield _item(one, other, column)


def _item(one: Record, other: Record, column: str) -> Item:
    """Compare two networks. With FLOPs that are far from equal, the claim says nothing of them."""
    text = f"{_describe(one, column)}, {_describe(other, column)}{BOUNDS.get(column, '')}"
    flops, other_flops = (each.costs.flops if each.costs else 0 for each in (one, other))
    deviation = flops / other_flops - 1 if other_flops else 0.0
    if round(abs(deviation), 9) > EQUAL_FLOPS:
        return Item("not judged", f"{text}; FLOPs differ by {formatting.percent(deviation, signed=True)}")
    return item(_amount(one, column) > _amount(other, column), text)


def _amount(record: Record, column: str) -> int:
    return int(record.variant.channels) if column == "channels" else int(getattr(record.costs, column))


def _describe(record: Record, column: str) -> str:
    amount = _amount(record, column)
    text = f"{amount} channels" if column == "channels" else formatting.prefixed(amount, "B")
    return f"{record.variant.name} {text}"


KINDS.add(More())
