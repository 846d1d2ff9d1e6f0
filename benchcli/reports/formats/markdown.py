"""Write a page as Markdown."""

from collections.abc import Iterator, Mapping, Sequence

from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import MARK, Page, Table

FOLDED = 10
"""The most unchanged rows that are shown without a click."""


class Markdown(Format):
    """Markdown with GitHub's tables, the result first."""

    name = "markdown"
    mark = MARK

    def render(self, page: Page) -> str:
        """Return a section for each table."""
        summary = [f"**{_escaped(page.summary)}**"] if page.summary else []
        footer = page.footer.removeprefix(page.summary).removeprefix(" · ")
        tables = (_section(table) for table in page.tables)
        return "\n\n".join([*summary, _escaped(page.heading), *tables, _escaped(footer)]) + "\n"


def _section(table: Table) -> str:
    lines = [f"- {_escaped(line)}" for line in table.all_lines]
    shown, folded = table.rows, table.rows[len(table.rows) - table.unchanged :]
    if table.unchanged > FOLDED:
        shown = table.rows[: -table.unchanged]
    parts = [
        [f"## {_escaped(table.title)}"],
        list(_rows(table, shown)) if shown else [],
        lines,
        list(_details(table, folded)) if len(shown) < len(table.rows) else [],
    ]
    return "\n\n".join("\n".join(part) for part in parts if part)


def _details(table: Table, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Yield rows that are shown after a click."""
    yield f"<details><summary>{len(rows)} without a change</summary>"
    yield ""
    yield from _rows(table, rows)
    yield ""
    yield "</details>"


def _rows(table: Table, rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row([column.heading for column in table.columns])
    yield _row(["--:" if column.is_number else "---" for column in table.columns])
    for row in rows:
        yield _row(row)


def _row(cells: Sequence[str]) -> str:
    return "| " + " | ".join(map(_escaped, cells)) + " |"


SPECIAL: Mapping[int, str] = {
    **{ord(letter): f"\\{letter}" for letter in "\\`[|"},
    ord("&"): "&amp;",
    ord("<"): "&lt;",
    ord(">"): "&gt;",
    ord("@"): "&#64;",
}
"""What begins HTML, code, links, images, cells and mentions of people, and how it is written as text."""


def _escaped(text: str) -> str:
    return text.translate(SPECIAL)


FORMATS.add(Markdown())
