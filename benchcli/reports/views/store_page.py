"""Lay out what a store has: its runs, the rows of a query, and the machines that differ from their equals."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from benchcli import formatting
from benchcli.analysis.unequal_machines import LEAST_DIFFERENCE, LEAST_EQUALS, Unequal
from benchcli.formatting import UNKNOWN, counted
from benchcli.reports.outcomes import WARNING
from benchcli.reports.page import Cell, Column, Page, Table, numbers, words

LISTED = ("id", "started", "suite", "host", "machine", "digest", "networks", "commit")
MOST_SHOWN = 10
"""The most letters of a commit in a table."""


def runs_page(store: Path, runs: Sequence[Mapping[str, Cell]], shared_names: Mapping[str, int]) -> Page:
    """Return the page of the runs of a store, in the order of time."""
    shown = [{**run, "commit": formatting.commits(str(run["commit"] or ""), MOST_SHOWN)} for run in runs]
    table = Table(
        f"{store}", tuple(_column(name, [run[name] for run in shown]) for name in LISTED), tuple(shared(shared_names))
    )
    hosts = {(run["host"], run["machine"]) for run in runs}
    digests = {run["digest"] for run in runs if run["digest"]}
    footer = (
        f"{counted(len(runs), 'run')} on {counted(len(hosts), 'host')}, with {counted(len(digests), 'digest')} of "
        "machine, versions and settings"
    )
    return Page(str(store), "", (table,), footer, LISTED, tuple(runs), list(runs), identity=("id",))


def shared(names: Mapping[str, int]) -> Iterator[str]:
    """Yield a line for each name that several machines of a store have."""
    for host, machines in names.items():
        yield f"{WARNING} {machines} different machines are named {host}: they are told apart by their digests"


def query_page(sql: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> Page:
    """Return the page of the rows of a query."""
    cells = [[_cell(value) for value in row] for row in rows]
    table = Table("", tuple(_column(name, [row[place] for row in cells]) for place, name in enumerate(columns)))
    by_column = tuple(dict(zip(columns, row, strict=True)) for row in cells)
    return Page(sql, "", (table,), counted(len(rows), "row"), tuple(columns), by_column, list(by_column))


def machines_page(store: Path, found: Sequence[Unequal]) -> Page:
    """Return the page of the machines that differ from their equals."""
    columns = (
        words("machine", (each.host or UNKNOWN for each in found)),
        words("processor", (each.cpu or UNKNOWN for each in found), 1),
        words("digest", (each.digest for each in found), 2),
        words("network", (each.network or "all" for each in found)),
        numbers("time", (formatting.percent(each.factor - 1, signed=True) for each in found)),
        numbers("equals", (str(each.equals) for each in found)),
        numbers("runs", (str(each.runs) for each in found), 3),
    )
    least = formatting.percent(LEAST_DIFFERENCE, decimals=0)
    lines = (
        f"time beside the median of the machines with the same digest, of which there are {LEAST_EQUALS} or more; a "
        "network's is after that of the whole machine",
    )
    names = len({(each.digest, each.host) for each in found})
    footer = f"{counted(names, 'machine differs', 'machines differ')} from equal ones by more than {least}"
    rows = tuple(vars(each) for each in found)
    table = Table(f"{store}: machines that differ from their equals", columns, lines)
    identity = ("digest", "host", "network")
    return Page(str(store), "", (table,), footer, tuple(Unequal.__annotations__), rows, list(rows), identity=identity)


def _column(name: str, cells: Sequence[Cell]) -> Column:
    are_numbers = any(isinstance(each, int | float) and not isinstance(each, bool) for each in cells)
    texts = (UNKNOWN if each is None else str(each) for each in cells)
    return numbers(name, texts) if are_numbers else words(name, texts)


def _cell(value: object) -> Cell:
    return value if value is None or isinstance(value, str | int | float) else str(value)
