"""What all results have in common: each can be shown, tabulated, drawn, and read field by field."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.api import plotting
from benchcli.errors import UserError
from benchcli.reports import output_files
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Figure, Page, Table, cleaned
from benchcli.runs.rows import Cell
from benchcli.schema.environment import Environment, Machine

if TYPE_CHECKING:
    import pandas


MACHINE = ("host", "cpu", "architecture", "cores", "system")
"""Facts of the machine in every row of a frame, as `machine_<name>`."""


class Result:
    """A result that has a page."""

    @cached_property
    def page(self) -> Page:
        """The tables, rows and annotations that the formats show, every text printable."""
        return cleaned(self._laid_out())

    @cached_property
    def drawn(self) -> Page:
        """The page with its charts and the facts about the machine, and without the object for JSON."""
        return self._drawn()

    def _laid_out(self) -> Page:
        raise NotImplementedError

    def _drawn(self) -> Page:
        page = replace(self._laid_out(), answers=self._answers(), badge=self._badge())
        return with_charts(page, self._facts(), self._figures())

    def _answers(self) -> tuple[str, ...]:
        return ()

    def _badge(self) -> str:
        return ""

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return ()

    def _figures(self) -> Iterable[Figure]:
        return ()

    def show(self, format_: str = "table") -> str:
        """Return the result as text in a format of the command line: table, markdown, csv, json, html."""
        chosen = FORMATS[format_]
        return chosen.on_screen(self._page_for(chosen))

    def written(self, format_: str) -> str:
        """Return the result as a file holds it: neither as wide nor as colourful as a terminal."""
        chosen = FORMATS[format_]
        return chosen.render(self._page_for(chosen))

    def _page_for(self, chosen: Format) -> Page:
        if chosen.for_checks and not self.page.summary:
            raise UserError(f"{chosen.name} shows the findings of checks: give another format")
        return self.drawn if chosen.draws else self.page

    def report(self, path: Path | str, force: bool = False) -> None:
        """Write the result as one HTML page that loads nothing: tables, charts and their numbers.

        Raises UserError as `write` does.
        """
        self.write("html", path, force)

    def plot(self, kind: str, path: Path | str, theme: str = "light", force: bool = False) -> None:
        """Draw the charts of one kind into a file: .svg, .png, .pdf, or .json for their specification.

        Raises UserError as `write` does, if there is no such chart, or if the extra `plot` is not
        installed.
        """
        plotting.draw(self.drawn, kind, output_files.writable(path, force), theme, force)

    def write(self, format_: str, path: Path | str, force: bool = False) -> None:
        """Write the result to a file in a format of the command line, completely or not at all.

        Raises UserError if the file cannot be written, or if a file is there that benchcli did not
        write, unless `force` is true; what it held before is then unchanged.
        """
        output_files.write(path, FORMATS[format_].mark + self.written(format_), force)

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each record, indexed by what identifies it: the columns that matter most, in SI units.

        `wide` has all columns.
        """
        frame = self.wide()
        return frame[[*self.page.leading]] if self.page.leading else frame[[*_others(self.page)]]

    def wide(self) -> "pandas.DataFrame":
        """Return the rows of `to_frame` with all columns: after its own the others of the CSV, and the machine's."""
        import pandas

        page, rows = self.page, self._rows()
        first = (*page.identity, *page.leading, *_others(page))
        frame = pandas.DataFrame(rows, columns=list(dict.fromkeys((*first, *(name for row in rows for name in row)))))
        return frame.set_index([*page.identity]) if page.identity else frame

    def _rows(self) -> list[dict[str, Cell]]:
        """Return the rows of a frame, with the machine's columns in each."""
        return [{**row, **self._machine()} for row in self.page.rows]

    def _machine(self) -> Mapping[str, Cell]:
        """Return the machine's columns, which every row of the frame has."""
        return {}

    def __repr__(self) -> str:
        return self.show()

    def _repr_html_(self) -> str:
        """Return the tables for a notebook; every text in them is escaped."""
        return _html(self.page)


class UnfinishedError(Exception):
    """Measuring ended early.

    `result` holds what was finished. `reason` says why; None means an interrupt.
    """

    def __init__(self, result: Any, reason: str | None, left: str) -> None:
        super().__init__(left)
        self.result = result
        self.reason = reason


def _others(page: Page) -> list[str]:
    """Return the columns of a page that neither identify a row nor come first."""
    return [name for name in page.columns if name not in {*page.identity, *page.leading}]


def with_charts(page: Page, facts: tuple[tuple[str, str], ...], figures: Iterable[Figure]) -> Page:
    """Return a page for formats that draw, every text printable."""
    from benchcli.reports.charts.base import with_safe_names

    return cleaned(replace(page, data={}, facts=facts, figures=tuple(map(with_safe_names, figures))))


def machine_cells(environment: Environment) -> dict[str, Cell]:
    """Return the machine's columns of a frame, from the environment of a run or check."""
    machine = environment.machine or Machine()
    return {
        "digest": environment.digest,
        "commit": environment.commit,
        **{f"machine_{name}": getattr(machine, name) for name in MACHINE},
        "torch": environment.software.get("torch"),
    }


def on_screen(table: Table, footer: str) -> str:
    """Return what a Python prompt shows of one table."""
    return FORMATS["table"].on_screen(cleaned(Page(table.key, "", (table,), footer, (), (), {}))).strip("\n")


def _html(page: Page) -> str:
    tables = []
    for table in page.tables:
        head = "".join(f"<th>{escape(column.heading)}</th>" for column in table.columns)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        lines = "".join(f"<p>{escape(line)}</p>" for line in table.all_lines)
        tables.append(f"<table><caption>{escape(table.title)}</caption><tr>{head}</tr>{rows}</table>{lines}")
    return f"<p>{escape(page.heading)}</p>{''.join(tables)}<p>{escape(page.footer)}</p>"
