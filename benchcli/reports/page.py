"""Define the page: the content that a command shows in any format.

Tables and figures for people, rows for CSV, an object for JSON, and annotations for CI.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass, replace
from functools import cached_property
from typing import Any, Literal, TypeVar

from benchcli.formatting import MARK as MARK
from benchcli.formatting import UNKNOWN, clean
from benchcli.runs.rows import Cell as Cell
from benchcli.schema import Interval as Interval

Content = TypeVar("Content")

Spec = dict[str, Any]
"""A drawing in Vega-Lite's grammar, or a part of one."""
Level = Literal["failure", "error", "skipped", "notice", "passed"]
"""failure: a regression; error: not measured; skipped: undecided; notice: fine, but reported."""


@dataclass(frozen=True)
class Column:
    """A column of a table: its heading, and a text for each row."""

    heading: str
    cells: tuple[str, ...]
    is_number: bool = False
    """Numbers are aligned at the right, and words at the left."""
    priority: int | None = None
    """A narrow screen leaves out the columns of the lowest priority first; None: the column stays."""
    bars: tuple[Interval | None, ...] = ()
    """The interval of each cell, which a screen may draw as a bar; empty if there is nothing to draw."""
    is_tree: bool = False
    """Whether the cells are names behind the branches of a tree, which no line break may cut."""
    is_grouping: bool = False
    """Whether the cells name the group that a row belongs to, for which a telephone has no room."""

    @property
    def is_empty(self) -> bool:
        """Whether it is a column of numbers in which no row has one."""
        return self.is_number and bool(self.cells) and set(self.cells) <= {UNKNOWN, ""}


def words(heading: str, cells: Iterable[str], priority: int | None = None) -> Column:
    """Return a column of words."""
    return Column(heading, tuple(cells), priority=priority)


def numbers(
    heading: str, cells: Iterable[str], priority: int | None = None, bars: Iterable[Interval | None] = ()
) -> Column:
    """Return a column of numbers, which are text too."""
    return Column(heading, tuple(cells), True, priority, tuple(bars))


@dataclass(frozen=True)
class Table:
    """A table of text: a title, its columns, and the lines below."""

    title: str
    columns: tuple[Column, ...]
    lines: tuple[str, ...] = ()
    groups: tuple[int, ...] = ()
    """How many rows belong together, from the top: those of a family. Empty if all do."""
    unchanged: int = 0
    """How many of the last rows say that nothing changed, so that a format may fold them."""
    key: str = ""
    """What it is about, such as "g2" or "networks": figures with this key stand beside it."""
    details: tuple[str, ...] = ()
    """Further lines, for which a terminal shows `brief` unless all is asked for."""
    brief: str = ""

    @property
    def all_lines(self) -> tuple[str, ...]:
        """The lines below the table, with all details."""
        return (*self.lines, *self.details)

    @cached_property
    def rows(self) -> tuple[tuple[str, ...], ...]:
        """The cells, row by row."""
        return tuple(zip(*(column.cells for column in self.columns), strict=True))


@dataclass(frozen=True)
class Figure:
    """A chart: what it shows, its numbers, and how they are drawn."""

    title: str
    text: str
    """What there is to see, in a sentence, for those who cannot see it too."""
    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    """The numbers, with their units in the columns' names; `spec` draws them by these names."""
    spec: Spec
    """The drawing in Vega-Lite's grammar, without data, size and colours of text."""
    key: str = ""
    """The key of the table that it stands beside; empty for a section of its kind."""
    kind: str = ""
    """The kind of chart, such as "axis"."""
    heading: str = ""
    """The heading of its section, if it stands beside no table; empty for its key."""
    is_folded: bool = False
    """Whether its section is shown after a click, if it stands beside no table."""
    is_overview: bool = False
    """Whether it stands above all sections, because it shows the answer at a glance."""
    is_wide: bool = False
    """Whether it needs the whole width of a page."""
    note: str = ""
    """A line below its title, which a picture without the text needs too."""
    for_drawing: tuple[str, ...] = ()
    """The columns that the drawing needs, and that say nothing to those who read the numbers."""


@dataclass(frozen=True)
class Annotation:
    """One result for CI: a line in a log, or a test case in a report."""

    level: Level
    group: str
    """The name of a family."""
    name: str
    """The name within the group, such as "thin time"."""
    title: str
    """A short title, such as "tower/thin slower"."""
    text: str
    """The result, as a sentence."""
    outcome: str
    """The outcome, in a word."""
    message: str
    """The outcome with its reason."""
    detail: str
    """The network with the reason for the outcome."""
    rerun: str = ""
    """The command that measures it again."""
    file: str = ""
    """The file that it is about, as seen from the folder of the check; empty if there is none."""
    line: int = 0
    seconds: float | None = None
    """What it takes now, in seconds; None if it has no time."""


@dataclass(frozen=True)
class Page:
    """The content of a result, for every format."""

    name: str
    """The subject, such as the name of a suite."""
    heading: str
    tables: tuple[Table, ...]
    footer: str
    columns: tuple[str, ...]
    rows: tuple[Mapping[str, Cell], ...]
    """Rows of the CSV, by column."""
    data: Mapping[str, Any] | Sequence[Mapping[str, Any]]
    """The object for JSON, or the list of several runs'."""
    annotations: tuple[Annotation, ...] = ()
    """Results for CI; only checks have any."""
    summary: str = ""
    """The result in a line, with which the footer begins too; empty if the tables are the result."""
    answers: tuple[str, ...] = ()
    """The result in a few sentences, for formats that begin with them; an outcome's sign stands before it."""
    badge: str = ""
    """The machine's state in a word or two, after its sign; empty if it is not known."""
    facts: tuple[tuple[str, str], ...] = ()
    """Names and values: where, when and with what it was measured."""
    figures: tuple[Figure, ...] = ()
    """Charts, for formats that draw them."""
    is_verbose: bool = False
    """Whether a terminal shows all details of the tables."""
    parts: tuple["Page", ...] = ()
    """The pages of the runs that this one compares, for formats that show them too."""
    identity: tuple[str, ...] = ()
    """The columns that identify a row; empty if only its place does."""
    leading: tuple[str, ...] = ()
    """The columns that a reader of the rows wants first; empty for all of them."""
    command: str = "check"
    """The command whose findings the annotations are."""


def cleaned(content: Content) -> Content:
    """Return a page, or any part of one, with every text in it printable.

    All formats get their pages through this function, so none has to think of control characters.
    """
    return _cleaned(content)  # type: ignore[return-value]


def _cleaned(content: object) -> object:
    if isinstance(content, str):
        return clean(content)
    if content is None or isinstance(content, int | float):  # most of a page
        return content
    if isinstance(content, Mapping):
        return {_cleaned(key): _cleaned(value) for key, value in content.items()}
    if isinstance(content, list | tuple):
        return type(content)(map(_cleaned, content))
    if is_dataclass(content) and not isinstance(content, type):
        return replace(content, **{each.name: _cleaned(getattr(content, each.name)) for each in fields(content)})
    return content
