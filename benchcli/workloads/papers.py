"""Read the published tables of the ShuffleNet papers from `data/paper`."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

Row = Mapping[str, str]


@cache
def table(name: str) -> tuple[Row, ...]:
    """Return the rows of one published table. `name` is the file name without its extension."""
    text = (files("benchcli") / "data" / "paper" / f"{name}.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return tuple(csv.DictReader(lines))


def row(table_name: str, **cells: str) -> Row | None:
    """Return the first row whose columns equal `cells`, or None if there is none."""
    return next((row for row in table(table_name) if all(row[name] == value for name, value in cells.items())), None)


def cell(table_name: str, column: str, **cells: str) -> float | None:
    """Return one number of the first row whose columns equal `cells`.

    Returns None if there is no such row or column, or if the cell is empty.
    """
    matching_row = row(table_name, **cells) or {}
    return float(matching_row[column]) if matching_row.get(column) else None
