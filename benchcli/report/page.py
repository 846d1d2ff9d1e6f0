"""What a command has to show, laid out for every format.

Tables for people, rows for CSV, an object for JSON, and annotations for CI.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

from benchcli.runs.columns import Cell

Level = Literal["failure", "error", "skipped", "notice", "passed"]
"""failure: a regression; error: not measured; skipped: undecided; notice: worth a line, and fine."""


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
class Annotation:
    """What CI is to be told of one thing: a line in a log, a case in a report of tests."""

    level: Level
    group: str
    """A family."""
    name: str
    """Within the group: "thin time"."""
    title: str
    """A few words: "tower/thin slower"."""
    text: str
    """A sentence."""
    outcome: str
    """In a word."""
    message: str
    """The outcome, and why."""
    detail: str
    """What it is about, and why."""
    rerun: str = ""
    """The command that looks at it again."""


@dataclass(frozen=True)
class Page:
    """All that a format may draw on."""

    name: str
    """What it is of: a suite's name, say."""
    heading: str
    tables: tuple[Table, ...]
    footer: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]
    """A row of CSV each, by column."""
    data: Mapping[str, Any]
    annotations: tuple[Annotation, ...] = ()
    """What CI is to be told; only checks have any."""
