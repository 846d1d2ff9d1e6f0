"""Draw a page as text: for a terminal, or for a file or a pipe."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from itertools import accumulate, zip_longest

from rich.cells import cell_len

from benchcli.beginnings import TABLE
from benchcli.reports.fitting import GAP, fit, wrapped
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.outcomes import Tone, ascii_signs, tone
from benchcli.reports.page import Column, Page, Table
from benchcli.reports.terminal import Screen, screen_of

BOLD = "1"
CODES: Mapping[Tone, str] = {"good": "32", "bad": "31", "unsure": "33", "neutral": "36", "warning": "33"}
"""The colour of each tone, as a parameter of the terminal's command for it."""
INDENT = "  "
"""What the later lines of a sentence begin with."""


class TerminalTable(Format):
    """Plain columns. A terminal gets colours and bars too, and what fits its width."""

    name = "table"
    mark = TABLE

    def render(self, page: Page) -> str:
        """Return the tables as wide as they need to be, without colours."""
        return draw(page, Screen())

    def on_screen(self, page: Page) -> str:
        """Return the tables as stdout can show them."""
        return draw(page, screen_of(sys.stdout))


def draw(page: Page, screen: Screen) -> str:
    """Return a page as a screen can show it."""
    return "".join(f"{line.rstrip()}\n" for line in _lines(page, screen))


def _lines(page: Page, screen: Screen) -> Iterator[str]:
    yield from _sentence(page.heading, screen)
    for table in page.tables:
        yield ""
        yield from (_painted(line, BOLD, screen) for line in _wrapped(table.title, screen))
        yield from _drawn(table, screen)
        for line in table.all_lines if page.is_verbose or not table.brief else (*table.lines, table.brief):
            yield from _sentence(line, screen)
    yield ""
    yield from _sentence(page.footer, screen)


def _drawn(table: Table, screen: Screen) -> Iterator[str]:
    """Yield the lines of a table, and one about the columns for which there is no room."""
    fitted = fit(table, screen.width, screen.bars)
    yield from _row([each.heading for each in fitted.columns], fitted.columns, fitted.widths, screen, BOLD)
    starts = _starts(table) if screen.width else set()
    for number, cells in enumerate(zip(*(each.cells for each in fitted.columns), strict=True)):
        if number in starts:
            yield ""
        yield from _row(cells, fitted.columns, fitted.widths, screen)
    if fitted.left_out:
        headings = ", ".join(fitted.left_out)
        text = f"left out at {screen.width} columns: {headings}: a wider terminal or --format markdown shows them"
        yield from _sentence(text, screen)


def _starts(table: Table) -> set[int]:
    """Return the rows above which there is an empty line; none where every group is one row."""
    return set(accumulate(table.groups[:-1])) if any(size > 1 for size in table.groups) else set()


def _row(
    cells: Sequence[str], columns: Sequence[Column], widths: Sequence[int], screen: Screen, code: str = ""
) -> Iterator[str]:
    """Yield the lines of one row; those of headings are aligned at the bottom."""
    parts = [
        _wrapped(cell, screen, width) if cell_len(cell) > width else [_signs(cell, screen)]
        for cell, width in zip(cells, widths, strict=True)
    ]
    most = max(map(len, parts), default=0)
    parts = [[""] * (most - len(part)) + part for part in parts] if code else parts
    for line in zip_longest(*parts, fillvalue=""):
        yield (" " * GAP).join(
            _aligned(_painted(text, code or _code(cell), screen), width - cell_len(text), column.is_number)
            for text, cell, width, column in zip(line, cells, widths, columns, strict=True)
        )


def _aligned(text: str, space: int, is_number: bool) -> str:
    return " " * space + text if is_number else text + " " * space


def _sentence(text: str, screen: Screen) -> Iterator[str]:
    """Yield the lines of a sentence; its outcome or warning, up to the first colon, has the colour."""
    first, *rest = _wrapped(text, screen, indent=INDENT)
    head, colon, tail = first.partition(": ")
    yield _painted(head + colon.rstrip(), _code(text), screen) + (" " if colon else "") + tail
    yield from rest


def _wrapped(text: str, screen: Screen, width: int | None = None, indent: str = "") -> list[str]:
    width = width or screen.width
    return wrapped(_signs(text, screen), width, indent) if width else [_signs(text, screen)]


def _signs(text: str, screen: Screen) -> str:
    return text if screen.signs else ascii_signs(text)


def _code(text: str) -> str:
    own = tone(text)
    return CODES[own] if own else ""


def _painted(text: str, code: str, screen: Screen) -> str:
    return f"\x1b[{code}m{text}\x1b[0m" if code and text and screen.colours else text


FORMATS.add(TerminalTable())
