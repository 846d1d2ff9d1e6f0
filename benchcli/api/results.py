"""The values that the API returns. Each can be shown, tabulated, and read field by field."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from html import escape
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError
from benchcli.report.formats.base import FORMATS
from benchcli.report.page import Page, cleaned
from benchcli.runs.observations import Cell
from benchcli.runs.run import RunReport
from benchcli.runs.run_folder import SAMPLES
from benchcli.schema import Record

if TYPE_CHECKING:
    import pandas

    from benchcli.analysis.verdicts import Verdict
    from benchcli.api.layers import LayerRows

CODE = (".py", ".toml", ".ipynb", ".so", ".sh", ".cfg", ".yml", ".yaml", ".pt", ".pth", ".c", ".cpp", ".cu")
"""The ends of the names of files that no report replaces."""
MACHINE = ("host", "cpu", "architecture", "cores", "system")
"""Facts of the machine in every row of a frame, as `machine_<name>`."""


class Shown:
    """A result that has a page."""

    @cached_property
    def page(self) -> Page:
        """The tables, rows and annotations that the formats show, every text printable."""
        return cleaned(self._laid_out())

    def _laid_out(self) -> Page:
        raise NotImplementedError

    def show(self, format_: str = "table") -> str:
        """Return the result as text in a format of the command line: table, markdown, csv, json."""
        return FORMATS[format_].on_screen(self.page)

    def write(self, format_: str, path: Path | str) -> None:
        """Write the result to a file in a format of the command line, whole or not at all.

        Raises UserError if the file cannot be written; what it held before is then unchanged.
        """
        write_whole(Path(path), self._written(format_))

    def _written(self, format_: str) -> str:
        """Return the result as a file holds it: neither as wide nor as colourful as a terminal."""
        return FORMATS[format_].render(self.page)

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

    report: RunReport
    """The report that the properties below read."""
    depth: int | None = None
    """The depth to which the page rolls layers up; None for the slowest layers as they are."""

    def _laid_out(self) -> Page:
        from benchcli.report.views.run import page

        return page(self.report, self.depth)

    @property
    def records(self) -> tuple[Record, ...]:
        """One record for each variant: its identity, costs and time, or why it has none."""
        return self.report.records

    @property
    def verdicts(self) -> "tuple[Verdict, ...]":
        """One verdict for each family of a guideline."""
        from benchcli.analysis.verdicts import verdicts

        return tuple(verdicts(self.report.results))

    @property
    def folder(self) -> Path:
        """The folder of the run's files."""
        return self.report.folder

    @property
    def environment(self) -> Mapping[str, Any]:
        """The request, machine, software versions, device and settings."""
        return self.report.environment

    @property
    def layers(self) -> "LayerRows":
        """One row for each module of each network, with what it does itself; empty unless `layers` was asked for.

        It is a list, which a Python prompt shows as a table.
        """
        return self.layers_at(None)

    def layers_at(self, depth: int | None) -> "LayerRows":
        """Return the modules rolled up to a depth: each with all that it calls below."""
        from benchcli.analysis.layers import layer_rows
        from benchcli.api.layers import LayerRows

        return LayerRows(layer_rows(self.report.layers, depth), depth)

    def samples(self) -> "pandas.DataFrame":
        """Return every raw sample, in seconds per call. Raises UserError if they are unreadable."""
        import pandas

        try:
            return pandas.read_csv(self.folder / SAMPLES)
        except (OSError, ValueError) as error:
            raise UserError(f"{self.folder / SAMPLES} cannot be read: {error}") from None

    def _machine(self) -> Mapping[str, Cell]:
        return machine_cells(self.environment)


@dataclass(repr=False)
class Runs(Shown, Sequence[Run]):
    """Several runs, in the order of their folders' names."""

    runs: tuple[Run, ...]
    """The runs; iterating and indexing give them too."""

    def __getitem__(self, place: Any) -> Any:
        return self.runs[place]

    def __len__(self) -> int:
        return len(self.runs)

    def __iter__(self) -> Iterator[Run]:
        return iter(self.runs)

    def show(self, format_: str = "table") -> str:
        """Return all runs as text, one below the other. CSV is one table for all runs."""
        if format_ != "csv":
            return "\n".join(run.show(format_) for run in self.runs)
        lines = [run.show("csv").splitlines() for run in self.runs]
        return "".join(f"{line}\n" for line in [lines[0][0], *(line for each in lines for line in each[1:])])

    def to_frame(self) -> "pandas.DataFrame":
        """Return the rows of all runs, one below the other."""
        import pandas

        return pandas.concat([run.to_frame() for run in self.runs], ignore_index=True)

    def _repr_html_(self) -> str:
        return "".join(run._repr_html_() for run in self.runs)


class UnfinishedError(Exception):
    """Measuring ended early.

    `result` holds what was finished. `reason` says why; None means an interrupt.
    """

    def __init__(self, result: Any, reason: str | None, left: str) -> None:
        super().__init__(left)
        self.result = result
        self.reason = reason


def check_writable(path: Path) -> None:
    """Raise UserError if a file cannot be written. An existing file is left as it is."""
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder: name a file in it")
        if path.exists() and not path.is_file():  # a pipe or a device: opening it may wait for ever
            raise UserError(f"{path} is not a regular file: name one")
        if path.suffix in CODE and path.exists():
            raise UserError(f"{path} is there, and its name is that of code or settings: name another file")
        if not path.absolute().parent.is_dir():
            raise UserError(f"{path} cannot be written: name one in a folder that is there")
        draft = _draft(path)
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def write_whole(path: Path, text: str) -> None:
    """Replace a file, whole or not at all. Raises UserError if it cannot be written."""
    draft = _draft(path)
    try:
        draft.write_text(text, encoding="utf-8", errors="backslashreplace", newline="")
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.part")


def machine_cells(environment: Mapping[str, Any]) -> dict[str, Cell]:
    """Return the machine's columns of a frame, from the environment of a run or check."""
    machine, software = environment.get("machine") or {}, environment.get("software") or {}
    return {
        "digest": environment.get("digest"),
        "commit": environment.get("commit"),
        **{f"machine_{name}": machine.get(name) for name in MACHINE},
        "torch": software.get("torch") if isinstance(software.get("torch"), str) else None,
    }


def _html(page: Page) -> str:
    tables = []
    for table in page.tables:
        head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
        rows = "".join(f"<tr>{''.join(f'<td>{escape(cell)}</td>' for cell in row)}</tr>" for row in table.rows)
        lines = "".join(f"<p>{escape(line)}</p>" for line in table.lines)
        tables.append(f"<table><caption>{escape(table.title)}</caption><tr>{head}</tr>{rows}</table>{lines}")
    return f"<p>{escape(page.heading)}</p>{''.join(tables)}<p>{escape(page.footer)}</p>"
