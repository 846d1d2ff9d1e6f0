"""The values that the API returns. Each can be shown, tabulated, and read field by field."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli import validation
from benchcli.api.writing import write_whole
from benchcli.errors import UserError
from benchcli.reports.formats.base import FORMATS, Format
from benchcli.reports.page import Figure, Page, cleaned
from benchcli.runs.rows import Cell
from benchcli.runs.run_folder import SAMPLES
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Record
from benchcli.schema.environment import Environment, Machine

if TYPE_CHECKING:
    import pandas

    from benchcli.analysis.verdicts import Verdict
    from benchcli.api.layer_list import LayerRows

MACHINE = ("host", "cpu", "architecture", "cores", "system")
"""Facts of the machine in every row of a frame, as `machine_<name>`."""


class Shown:
    """A result that has a page."""

    @cached_property
    def page(self) -> Page:
        """The tables, rows and annotations that the formats show, every text printable."""
        return cleaned(self._laid_out())

    @cached_property
    def drawn(self) -> Page:
        """The page with its charts and the facts about the machine, and without the object for JSON."""
        from benchcli.reports.charts.base import with_safe_names

        figures = tuple(map(with_safe_names, self._figures()))
        page = cleaned(replace(self._laid_out(), data={}, facts=self._facts(), figures=figures))
        return replace(page, parts=tuple(self._parts()))

    def _laid_out(self) -> Page:
        raise NotImplementedError

    def _facts(self) -> tuple[tuple[str, str], ...]:
        return ()

    def _figures(self) -> Iterable[Figure]:
        return ()

    def _parts(self) -> Iterable[Page]:
        """Return the pages of which this one is made, each with every text printable."""
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
        if chosen.for_checks and not self.page.annotations:
            raise UserError(f"{chosen.name} shows the findings of checks: give another format")
        return self.drawn if chosen.draws else self.page

    def report(self, path: Path | str) -> None:
        """Write the result as one HTML page that loads nothing: tables, charts and their numbers.

        Raises UserError if the file cannot be written.
        """
        self.write("html", path)

    def plot(self, kind: str, path: Path | str, theme: str = "light") -> None:
        """Draw the charts of one kind into a file: .svg, .png, .pdf, or .json for their specification.

        Raises UserError if there is no such chart, or if the extra `plot` is not installed.
        """
        from benchcli.api.plotting import draw

        draw(self.drawn, kind, validation.path("a file", path), theme)

    def write(self, format_: str, path: Path | str) -> None:
        """Write the result to a file in a format of the command line, whole or not at all.

        Raises UserError if the file cannot be written; what it held before is then unchanged.
        """
        write_whole(validation.path("a file", path), self.written(format_))

    def to_frame(self) -> "pandas.DataFrame":
        """Return a row for each record: the columns of the CSV, in SI units, and the machine's."""
        import pandas

        return pandas.DataFrame([{**row, **self._machine()} for row in self.page.rows])

    def _machine(self) -> Mapping[str, Cell]:
        """Return the machine's columns, which every row of the frame has."""
        return {}

    def __repr__(self) -> str:
        return self.show()

    def _repr_html_(self) -> str:
        """Return the tables for a notebook; every text in them is escaped."""
        return _html(self.page)


@dataclass(repr=False)
class Run(Shown):
    """The result of measuring a suite."""

    details: SuiteRun
    """The report that the properties below read."""
    depth: int | None = None
    """The depth to which the page rolls layers up; None for the slowest layers as they are."""

    def _laid_out(self) -> Page:
        from benchcli.reports.views.run_page import page

        return page(self.details, self.depth)

    def _facts(self) -> tuple[tuple[str, str], ...]:
        from benchcli.reports.views import fact_list as facts

        return facts.of_run(self.details)

    def _figures(self) -> Iterable[Figure]:
        from benchcli.reports.charts.base import LabelledRun, figures_of

        return figures_of([LabelledRun("", self.details)])

    @property
    def records(self) -> tuple[Record, ...]:
        """One record for each variant: its identity, costs and time, or why it has none."""
        return self.details.records

    @property
    def verdicts(self) -> "tuple[Verdict, ...]":
        """One verdict for each family of a guideline."""
        from benchcli.analysis.verdicts import verdicts

        return tuple(verdicts(self.details.results))

    @property
    def folder(self) -> Path:
        """The folder of the run's files."""
        return self.details.folder

    @property
    def environment(self) -> Environment:
        """The request, machine, software versions, device and settings."""
        return self.details.environment

    @property
    def layers(self) -> "LayerRows":
        """One row for each module of each network, with what it does itself; empty unless `layers` was asked for.

        It is a list, which a Python prompt shows as a table.
        """
        return self.layers_at(None)

    def layers_at(self, depth: int | None) -> "LayerRows":
        """Return the modules rolled up to a depth: each with all that it calls below."""
        from benchcli.analysis.layer_rows import layer_rows
        from benchcli.api.layer_list import LayerRows

        return LayerRows(layer_rows(self.details.layers, depth), depth)

    def samples(self) -> "pandas.DataFrame":
        """Return every raw sample, in seconds per call. Raises UserError if they are unreadable."""
        import pandas

        try:
            return pandas.read_csv(self.folder / SAMPLES)
        except (OSError, ValueError) as error:
            raise UserError(f"{self.folder / SAMPLES} cannot be read: {error}") from None

    def _machine(self) -> Mapping[str, Cell]:
        return machine_cells(self.environment)


class UnfinishedError(Exception):
    """Measuring ended early.

    `result` holds what was finished. `reason` says why; None means an interrupt.
    """

    def __init__(self, result: Any, reason: str | None, left: str) -> None:
        super().__init__(left)
        self.result = result
        self.reason = reason


def machine_cells(environment: Environment) -> dict[str, Cell]:
    """Return the machine's columns of a frame, from the environment of a run or check."""
    machine = environment.machine or Machine()
    return {
        "digest": environment.digest,
        "commit": environment.commit,
        **{f"machine_{name}": getattr(machine, name) for name in MACHINE},
        "torch": environment.software.get("torch"),
    }


def _html(page: Page) -> str:
    tables = []
    for table in page.tables:
        head = "".join(f"<th>{escape(column.heading)}</th>" for column in table.columns)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        lines = "".join(f"<p>{escape(line)}</p>" for line in table.lines)
        tables.append(f"<table><caption>{escape(table.title)}</caption><tr>{head}</tr>{rows}</table>{lines}")
    return f"<p>{escape(page.heading)}</p>{''.join(tables)}<p>{escape(page.footer)}</p>"
