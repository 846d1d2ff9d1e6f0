"""The speeds that the ShuffleNet V2 paper printed (Ma et al., ECCV 2018, Tables 1 to 4)."""

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


def speed(table_name: str, **cell: str) -> float | None:
    """Return the published speed in the row whose columns equal `cell`, or None where no row does."""
    for row in table(table_name):
        if all(row[column] == value for column, value in cell.items()):
            return float(row["speed"])
    return None
