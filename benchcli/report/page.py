"""What a verb has to show, laid out for every format: people's tables, rows for CSV, an object for JSON, findings."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from benchcli.check.findings import Finding
from benchcli.runs.rows import Cell


@dataclass(frozen=True)
class Table:
    """A table of text: a title, its rows, and the lines below."""

    title: str
    columns: tuple[str, ...]
    words: int
    """How many of the first columns are words; the others are numbers."""
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[str, ...]


@dataclass(frozen=True)
class Page:
    """All that a reporter may draw on."""

    name: str
    """What it is of: a suite's name, say."""
    heading: str
    tables: tuple[Table, ...]
    footer: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]
    """A row of CSV each, by column."""
    data: Mapping[str, Any]
    findings: tuple[Finding, ...] = ()
    """What CI is to be told; only checks have any."""
