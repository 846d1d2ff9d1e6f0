"""Read the published tables of the ShuffleNet papers from `data/paper`."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files

from benchcli.schema import Interval

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
    text = _text(table_name, column, cells)
    return float(text) if text else None


@dataclass(frozen=True)
class PrintedNumber:
    """A printed number, and half of its last digit: the true one may be so much less or more."""

    number: float
    half: float

    def over(self, other: "PrintedNumber") -> Interval:
        """Return the quotient; its ends are the quotients of numbers that are printed so."""
        least, most = ((self.number + sign * self.half) / (other.number - sign * other.half) for sign in (-1, 1))
        return Interval(self.number / other.number, least, most)


def printed(table_name: str, column: str, **cells: str) -> PrintedNumber | None:
    """Return one number as `cell` does, with the rounding of its digits."""
    text = _text(table_name, column, cells)
    return PrintedNumber(float(text), 0.5 * 10.0 ** -len(text.partition(".")[2])) if text else None


def _text(table_name: str, column: str, cells: Mapping[str, str]) -> str | None:
    return (row(table_name, **cells) or {}).get(column)
