"""The rows of a store: their columns, which follow from the values that runs record.

A store holds rows of several kinds in one set of columns: one of each run, one of each network, launch
and sample of it, and one of each file of its folder. The columns of launches and samples have a
prefix, where other rows have columns of the same names.
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from types import NoneType, UnionType
from typing import Annotated, Any, Union, get_args, get_origin, get_type_hints

from benchcli.runs.rows import COLUMNS, CONDITION_COLUMNS, SAMPLE_COLUMNS, MeasurementRow
from benchcli.runs.run_folder import LAUNCHES, MEASUREMENTS, SAMPLES
from benchcli.schema import Conditions, Sample

TYPES = {bool: "BOOLEAN", int: "BIGINT", float: "DOUBLE"}
TEXT = "VARCHAR"
OF_RUN: Mapping[str, str] = {
    "id": TEXT,
    "run": TEXT,
    "suite": TEXT,
    "is_check": "BOOLEAN",
    "started": TEXT,
    "host": TEXT,
    "cpu": TEXT,
    "cores": "BIGINT",
    "system": TEXT,
    "digest": TEXT,
    "device": TEXT,
    "card": TEXT,
    "torch": TEXT,
    "software": TEXT,
    "commit": TEXT,
}
"""The columns that every row of a run has, with their types in SQL; `id` is the run's name in the store."""
SHARED = ("family", "variant", "launch")
"""Columns that mean the same in rows of several kinds."""


@dataclass(frozen=True)
class RowKind:
    """Rows of one kind, which come from a CSV table of a run's folder."""

    file: str
    prefix: str
    columns: Mapping[str, str]
    """The table's columns with their types in SQL, without those that every row of a run has."""

    def stored(self, column: str) -> str:
        """Return the name in the store of a column of the table."""
        return column if column in SHARED else self.prefix + column


def sql_type(hint: Any) -> str:
    """Return the type in SQL of a field; that of text for what a CSV table holds as text or as JSON."""
    origin = get_origin(hint)
    if origin is Annotated:
        return sql_type(get_args(hint)[0])
    if origin in (Union, UnionType):
        (hint,) = (each for each in get_args(hint) if each is not NoneType)
        return sql_type(hint)
    return TYPES.get(hint, TEXT)


def _types(kind: Any, **others: str) -> dict[str, str]:
    hints = get_type_hints(kind, include_extras=True)
    return {**{each.name: sql_type(hints[each.name]) for each in fields(kind)}, **others}


def _kind(file: str, prefix: str, names: tuple[str, ...], types: Mapping[str, str]) -> RowKind:
    return RowKind(file, prefix, {name: types.get(name, TEXT) for name in names if name not in OF_RUN})


KINDS: Mapping[str, RowKind] = {
    "networks": _kind(MEASUREMENTS, "", COLUMNS, _types(MeasurementRow)),
    "launches": _kind(LAUNCHES, "launch_", CONDITION_COLUMNS, _types(Conditions)),
    "samples": _kind(SAMPLES, "sample_", SAMPLE_COLUMNS, _types(Sample, faults_per_call=TYPES[float])),
}
"""The kinds of rows that come from tables, by the names of their views."""
RUN, FILE = "runs", "file"
"""The kinds of the row of a run, and of the rows that hold its files."""
