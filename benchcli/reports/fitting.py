"""Fit tables and sentences to the width of a screen."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, chop_cells

from benchcli.reports import bars
from benchcli.reports.page import Table

GAP = 2
"""The columns between two columns of a table."""
PROSE = 30
"""The width to which a column of sentences is wrapped before another column is left out."""
LEAST_WORDS, LEAST_NUMBERS = 8, 16
"""The least widths of columns of words and of numbers where nothing else helps; no number is as wide."""
HEADING_LINES = 2
"""The most lines of a heading."""


@dataclass(frozen=True)
class Column:
    """A column of a table, from its heading down."""

    heading: str
    cells: tuple[str, ...]
    is_words: bool

    @property
    def natural(self) -> int:
        """The width at which nothing is wrapped."""
        return max(map(cell_len, (self.heading, *self.cells)))

    @property
    def compact(self) -> int:
        """The width at which only the heading and sentences are wrapped."""
        cells = [min(cell_len(cell), PROSE) if self.is_words and " " in cell else cell_len(cell) for cell in self.cells]
        return max([_of_heading(self.heading), *cells])

    @property
    def least(self) -> int:
        """The width below which nothing can be read: a name is broken, and a number never."""
        words = [cell_len(word) for cell in (self.heading, *self.cells) for word in cell.split(" ")]
        return min(max(words), LEAST_WORDS if self.is_words else LEAST_NUMBERS)


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
    columns = _columns(table)
    if width is None:
        return Fitted(columns, tuple(each.natural for each in columns))
    drawn = _with_bars(table, columns) if with_bars else columns
    if _total([each.compact for each in drawn]) <= width:
        return Fitted(drawn, _spread(drawn, width))
    left_out: list[str] = []
    for heading in table.least:
        if _total([each.compact for each in columns]) <= width:
            break
        left_out += [each.heading for each in columns if each.heading == heading]
        columns = tuple(each for each in columns if each.heading != heading)
    return Fitted(columns, _spread(columns, width), tuple(left_out))


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


def _columns(table: Table) -> tuple[Column, ...]:
    return tuple(
        Column(heading, tuple(row[number] for row in table.rows), number < table.words)
        for number, heading in enumerate(table.columns)
    )


def _with_bars(table: Table, columns: tuple[Column, ...]) -> tuple[Column, ...]:
    heading = bars.heading(table)
    if not heading or table.bars_after not in table.columns:
        return columns
    place = table.columns.index(table.bars_after) + 1
    return (*columns[:place], Column(heading, bars.bars(table), True), *columns[place:])


def _of_heading(heading: str) -> int:
    """Return the least width at which a heading has no more than `HEADING_LINES` lines."""
    words = heading.split(" ")
    widths = range(max(map(cell_len, words)), cell_len(heading) + 1)
    return next(width for width in widths if len(wrapped(heading, width)) <= HEADING_LINES)


def _total(widths: Sequence[int]) -> int:
    return sum(widths) + GAP * (len(widths) - 1)


def _spread(columns: Sequence[Column], width: int) -> tuple[int, ...]:
    """Return the widths of the columns: what is left over goes to what would be wrapped."""
    natural = [each.natural for each in columns]
    if _total(natural) <= width:
        return tuple(natural)
    widths = [each.compact for each in columns]
    for number in sorted(range(len(columns)), key=lambda number: natural[number] - widths[number]):
        widths[number] += max(0, min(natural[number] - widths[number], width - _total(widths)))
    least = [min(each.least, each.natural) for each in columns]
    while _total(widths) > width:
        widest = max(range(len(widths)), key=lambda number: widths[number] if widths[number] > least[number] else 0)
        if widths[widest] <= least[widest]:
            break
        widths[widest] -= 1
    return tuple(widths)
