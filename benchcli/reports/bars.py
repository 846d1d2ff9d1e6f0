"""Draw the intervals of a table as bars, for a terminal."""

from benchcli.reports.page import Interval, Table
from benchcli.reports.terminal import BLOCKS

CELLS = 20
"""The width of the longest bar."""
SOLID, LIGHT = tuple(BLOCKS)


def heading(table: Table) -> str:
    """Return the heading of a table's bars: their scale. It is empty if no interval is there to be drawn."""
    has_intervals = any(each and each.low is not None and each.low != each.high for each in table.bars)
    return f"0 to {_scale(table):.2f}" if has_intervals else ""


def bars(table: Table) -> tuple[str, ...]:
    """Return a bar for each row: solid up to the low end, and light from there to the high end."""
    return tuple(_bar(interval, _scale(table)) for interval in table.bars)


def _bar(interval: Interval | None, scale: float) -> str:
    if interval is None or interval.low is None or interval.high is None:
        return ""  # a bar without an interval would look certain
    low, high = (round(end / scale * CELLS) for end in (interval.low, interval.high))
    return SOLID * low + LIGHT * (high - low)


def _scale(table: Table) -> float:
    """Return the largest end of the intervals; 0 if none has ends."""
    return max((each.high for each in table.bars if each and each.low is not None and each.high), default=0.0)
