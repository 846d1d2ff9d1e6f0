"""Fit tables, with their bars, and sentences to the width of a screen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from benchcli.reports.page import Column, Interval, Table, words
from benchcli.reports.terminal import BLOCKS

GAP = 2
"""The columns between two columns of a table."""
PROSE = 30
"""The width to which a column of sentences is wrapped before another column is left out."""
LEAST_WORDS, LEAST_NUMBERS = 8, 16
"""The least widths of columns of words and of numbers where nothing else helps; no number is as wide."""
HEADING_LINES = 2
"""The most lines of a heading."""
LONGEST_BAR = 20
SOLID, LIGHT = tuple(BLOCKS)


@dataclass(frozen=True)
class Fitted:
    """The columns of a table that a screen shows, with their widths."""

    columns: tuple[Column, ...]
    widths: tuple[int, ...]
    left_out: tuple[str, ...] = ()
    """Headings of the columns for which there is no room."""


def fit(table: Table, width: int | None, with_bars: bool = False) -> Fitted:
    """Return the columns of a table that fit a width; without a width all of them do.

    Headings and sentences are wrapped first, then bars and the least important columns are left
    out, and at last names are broken.
    """
    columns = table.columns
    if width is None:
        return Fitted(columns, tuple(map(_natural, columns)))
    drawn = _with_bars(columns) if with_bars else columns
    if _total(map(_compact, drawn)) <= width:
        return Fitted(drawn, _spread(drawn, width))
    left_out: list[Column] = []
    for column in sorted((each for each in columns if each.priority is not None), key=lambda each: each.priority or 0):
        if _total(map(_compact, columns)) <= width:
            break
        left_out.append(column)
        columns = tuple(each for each in columns if each is not column)
    return Fitted(columns, _spread(columns, width), tuple(each.heading for each in left_out))


def wrapped(text: str, width: int, indent: str = "") -> list[str]:
    """Return a text in lines of a width at most, wrapped at words; later lines are indented.

    A word that is longer than a line is broken.
    """
    lines: list[str] = []
    line = ""
    for number, word in enumerate(text.split(" ")):
        joined = f"{line} {word}" if number else word
        if cell_len(joined) <= width:
            line = joined
            continue
        lines += [line] if line.strip() else []
        parts = chop_cells(word, max(1, width - len(indent))) or [""]
        lines += [f"{indent if lines or place else ''}{part}" for place, part in enumerate(parts)]
        line = lines.pop()
    return [*lines, line]


def _with_bars(columns: Iterable[Column]) -> tuple[Column, ...]:
    """Return the columns, each that has intervals followed by one of their bars."""
    return tuple(each for column in columns for each in (column, bars_of(column)) if each)


def bars_of(column: Column) -> Column | None:
    """Return a column of the intervals' bars, headed by their scale; None if no interval can be drawn."""
    scale = max((each.high for each in column.bars if each and each.low is not None and each.high), default=0.0)
    if not any(each and each.low is not None and each.low != each.high for each in column.bars):
        return None
    return words(f"0 to {scale:.2f}", (_bar(interval, scale) for interval in column.bars))


def _bar(interval: Interval | None, scale: float) -> str:
    """Return a bar that is solid up to the low end, and light from there to the high end."""
    if interval is None or interval.low is None or interval.high is None:
        return ""  # a bar without an interval would look certain
    low, high = (round(end / scale * LONGEST_BAR) for end in (interval.low, interval.high))
    return SOLID * low + LIGHT * (high - low)


def _natural(column: Column) -> int:
    """Return the width at which nothing is wrapped."""
    return max(map(cell_len, (column.heading, *column.cells)))


def _compact(column: Column) -> int:
    """Return the width at which only the heading and sentences are wrapped."""
    widths = (
        min(cell_len(cell), PROSE) if " " in cell and not column.is_number else cell_len(cell) for cell in column.cells
    )
    return max([_of_heading(column.heading), *widths])


def _least(column: Column) -> int:
    """Return the width below which nothing can be read: names are broken, and numbers never."""
    parts = [cell_len(part) for cell in (column.heading, *column.cells) for part in cell.split(" ")]
    return min(max(parts), LEAST_NUMBERS if column.is_number else LEAST_WORDS)


def _of_heading(heading: str) -> int:
    """Return the least width at which a heading has no more than `HEADING_LINES` lines."""
    words = heading.split(" ")
    widths = range(max(map(cell_len, words)), cell_len(heading) + 1)
    return next(width for width in widths if len(wrapped(heading, width)) <= HEADING_LINES)


def _total(widths: Iterable[int]) -> int:
    return sum(width + GAP for width in widths) - GAP


def _spread(columns: Sequence[Column], width: int) -> tuple[int, ...]:
    """Return the widths of the columns: what is left over goes to what would be wrapped."""
    natural = list(map(_natural, columns))
    if _total(natural) <= width:
        return tuple(natural)
    widths = list(map(_compact, columns))
    for number in sorted(range(len(columns)), key=lambda number: natural[number] - widths[number]):
        widths[number] += max(0, min(natural[number] - widths[number], width - _total(widths)))
    least = [min(_least(each), _natural(each)) for each in columns]
    while _total(widths) > width:
        widest = max(range(len(widths)), key=lambda number: widths[number] if widths[number] > least[number] else 0)
        if widths[widest] <= least[widest]:
            break
        widths[widest] -= 1
    return tuple(widths)
