"""Draw a page for a terminal."""

import io
import sys

from rich.console import Console
from rich.table import Table as RichTable
from rich.text import Text

from benchcli.report.formats.base import FORMATS, Format
from benchcli.report.page import Page, Table


class TerminalTable(Format):
    """Plain columns, with bold and dim text only if stdout is a terminal that shows them."""

    name = "table"

    def render(self, page: Page) -> str:
        """Return the tables; without a terminal they are as wide as they need."""
        screen = Console(file=sys.stdout)
        colours = screen.color_system if screen.is_terminal and not screen.no_color else None
        text = io.StringIO()
        console = Console(
            file=text,
            force_terminal=screen.is_terminal,
            color_system=colours,  # type: ignore[arg-type]
            width=100_000,  # nothing is cut: a narrow terminal wraps lines by itself
            highlight=False,
            emoji=False,  # a callable may be named as one: "mine:two:"
            soft_wrap=True,
        )
        console.print(page.heading, style="dim", markup=False)
        for table in page.tables:
            console.print()
            console.print(table.title, style="bold", markup=False)
            console.print(_drawn(table))
            for line in table.lines:
                console.print(line, markup=False)
        console.print()
        console.print(page.footer, style="dim", markup=False)
        return "\n".join(line.rstrip() for line in text.getvalue().splitlines()) + "\n"


def _drawn(table: Table) -> RichTable:
    drawn = RichTable(box=None, padding=(0, 1), pad_edge=False, header_style="dim")
    for number, column in enumerate(table.columns):
        drawn.add_column(Text(column), justify="left" if number < table.words else "right", no_wrap=True)
    for row in table.rows:
        drawn.add_row(*map(Text, row))  # a plain string would be read as markup
    return drawn


FORMATS.add(TerminalTable())
