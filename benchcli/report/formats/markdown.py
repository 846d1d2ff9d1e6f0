"""Write a page as Markdown."""

from collections.abc import Iterator, Mapping

from benchcli.report.formats.base import FORMATS, Format
from benchcli.report.page import Page, Table


class Markdown(Format):
    """Markdown with GitHub's tables."""

    name = "markdown"

    def render(self, page: Page) -> str:
        """Return a section for each table."""
        sections = [_escaped(page.heading), *(_section(table) for table in page.tables), _escaped(page.footer)]
        return "\n\n".join(sections) + "\n"


def _section(table: Table) -> str:
    lines = (f"- {_escaped(line)}" for line in table.lines)
    return "\n".join([f"## {_escaped(table.title)}", "", *_rows(table), "", *lines])


def _rows(table: Table) -> Iterator[str]:
    yield _row(table.columns)
    yield _row(["---" if number < table.words else "--:" for number in range(len(table.columns))])
    for row in table.rows:
        yield _row(row)


def _row(cells: "tuple[str, ...] | list[str]") -> str:
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
