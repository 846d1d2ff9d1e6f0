"""Write a page as Markdown."""

from collections.abc import Iterator

from benchcli.report.formats.base import FORMATS, Format
from benchcli.report.page import Page, Table


class Markdown(Format):
    """Markdown with GitHub's tables."""

    name = "markdown"

    def render(self, page: Page) -> str:
        """Return a section for each table."""
        sections = [page.heading, *(_section(table) for table in page.tables), page.footer]
        return "\n\n".join(sections) + "\n"


def _section(table: Table) -> str:
    return "\n".join([f"## {table.title}", "", *_rows(table), "", *(f"- {line}" for line in table.lines)])


def _rows(table: Table) -> Iterator[str]:
    yield _row(table.columns)
    yield _row(["---" if number < table.words else "--:" for number in range(len(table.columns))])
    for row in table.rows:
        yield _row(row)


def _row(cells: "tuple[str, ...] | list[str]") -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


FORMATS.add(Markdown())
