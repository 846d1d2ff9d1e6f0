"""The share of a call that is spent on something."""

from collections.abc import Sequence
from statistics import median

from benchcli.schema import Breakdown, Category


def share(of: Sequence[Breakdown], category: Category) -> float:
    """Return the median over launches."""
    return median(each.parts[category] / each.whole_s for each in of)
