"""Where the time of each network of a run goes: the shares of several launches as one row."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchcli.grouping import groups
from benchcli.schema import CATEGORIES, Breakdown, Category, OfVariant
from benchcli.statistics import median_share, reorder_share, tracing_agrees


@dataclass(frozen=True)
class BreakdownRow(OfVariant):
    """The time of a call of one network by category of operator."""

    call_s: float
    """Seconds of a call without profiling."""
    shares: Mapping[Category, float | None]
    """Of a call, the median over launches; None if profiled calls were faster than others: nothing is judged then."""
    reorder: float | None
    """The share of reorders inside convolutions, which is part of data movement. None: not judged, or not told."""
    launches: tuple[Breakdown, ...]
    """What each launch says."""


def breakdown_rows(breakdowns: Iterable[Breakdown]) -> list[BreakdownRow]:
    """Return a row for each network, in the order of the run."""
    return [_row(of) for of in groups(breakdowns, lambda each: each.key).values()]


def _row(of: Sequence[Breakdown]) -> BreakdownRow:
    is_judged = tracing_agrees(of)
    return BreakdownRow(
        family=of[0].family,
        variant=of[0].variant,
        call_s=median(each.call_s for each in of),
        shares={category: median_share(of, category) if is_judged else None for category in CATEGORIES},
        reorder=reorder_share(of) if is_judged else None,
        launches=tuple(of),
    )
