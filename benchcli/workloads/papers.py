"""What the ShuffleNet papers printed: their tables, as the files in `data/paper` hold them."""

import csv
from collections.abc import Mapping
from functools import cache
from importlib.resources import files

Row = Mapping[str, str]


@cache
def table(name: str) -> tuple[Row, ...]:
    """Return the rows of one published table, by the file's name without its ending."""
    text = (files("benchcli") / "data" / "paper" / f"{name}.csv").read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return tuple(csv.DictReader(lines))


def row(table_name: str, **cells: str) -> Row | None:
    """Return the first row whose columns equal `cells`, or None where none does."""
    return next((row for row in table(table_name) if all(row[name] == value for name, value in cells.items())), None)


def cell(table_name: str, column: str, **cells: str) -> float | None:
    """Return a number of the row whose columns equal `cells`; None where no row, column or number is there."""
    found = row(table_name, **cells) or {}
    return float(found[column]) if found.get(column) else None
