"""Store a run's records, samples, launch conditions and breakdowns in a folder."""

import contextlib
import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from benchcli import files
from benchcli.errors import DamagedRunError, UserError
from benchcli.grouping import groups
from benchcli.runs.folder import Folder, lines_of
from benchcli.runs.rows import (
    BREAKDOWN_COLUMNS,
    COLUMNS,
    CONDITION_COLUMNS,
    LAYER_COLUMNS,
    SAMPLE_COLUMNS,
    breakdown_of,
    breakdown_row,
    condition_row,
    conditions_of,
    layer_rows,
    layers_of,
    record_of,
    row,
    sample_of,
    sample_row,
)
from benchcli.schema import Breakdown, Conditions, Family, FamilyResult, Layers, Record, Sample, Target
from benchcli.schema.structure import StructureError
from benchcli.spelling import given

if TYPE_CHECKING:
    from filelock import FileLock

MEASUREMENTS = "measurements.csv"
SAMPLES = "samples.csv"
LAUNCHES = "launches.csv"
BREAKDOWN = "breakdown.csv"
TABLES = {SAMPLES: SAMPLE_COLUMNS, LAUNCHES: CONDITION_COLUMNS, MEASUREMENTS: COLUMNS}
"""Files with a row for each sample, launch and variant, and their columns.

A family's rows in the last file mark its rows in the others as complete.
"""
LAYERS = "layers.csv"
TRACES = {BREAKDOWN: BREAKDOWN_COLUMNS, LAYERS: LAYER_COLUMNS}
"""The files with rows for each traced launch. They exist only if something was traced."""


Value = TypeVar("Value")


class RunFolder(Folder):
    """A folder to which a run appends its results, one family at a time."""

    tables = TABLES
    later = TRACES

    @classmethod
    def or_resume(cls, path: Path) -> str:
        """Return how to resume the run in a folder."""
        return f", or {given('resume', path)}"

    def __init__(self, path: Path, lock: "FileLock | None" = None, made: Sequence[Path] = ()) -> None:
        super().__init__(path, lock, made)
        self._written: set[str] = set()

    def put(self, result: FamilyResult) -> None:
        """Store a finished family; replace its earlier rows if it has any."""
        if result.family.name in self._written:
            self.keep_only(self._written - {result.family.name})
        self._append_family(result)

    def _append_family(self, result: FamilyResult) -> None:
        """Append a family's rows, samples first: a family with records must have its samples."""
        family = result.family.name
        rows = {
            SAMPLES: [sample_row(family, sample) for sample in result.samples],
            LAUNCHES: [condition_row(family, conditions) for conditions in result.conditions],
            MEASUREMENTS: [itemgetter(*COLUMNS)(row(record)) for record in result.records],
        }
        self.add(rows)
        self._written.add(family)

    def put_breakdowns(self, family: str, breakdowns: Sequence[Breakdown]) -> None:
        """Store the breakdowns of a family; replace those of an earlier attempt."""
        others = [each for each in self.breakdowns() if each.family != family]
        rows = [breakdown_row(each) for each in (*others, *breakdowns)]
        self.replace(BREAKDOWN, lines_of([BREAKDOWN_COLUMNS, *rows]))

    def breakdowns(self) -> list[Breakdown]:
        """Return the stored breakdowns; leave out rows that cannot be parsed."""
        return [each for _, each in self._parsed(BREAKDOWN, breakdown_of)]

    def put_layers(self, family: str, layers: Sequence[Layers]) -> None:
        """Store the layers of a family; replace those of an earlier attempt."""
        others = [each for each in self.layers() if each.family != family]
        rows = [row for each in (*others, *layers) for row in layer_rows(each)]
        self.replace(LAYERS, lines_of([LAYER_COLUMNS, *rows]))

    def layers(self) -> list[Layers]:
        """Return the stored layers. Raises UserError if a row cannot be read."""
        try:
            return layers_of(self._read(LAYERS))
        except (ValueError, KeyError) as error:
            raise DamagedRunError(f"{self.path / LAYERS} is damaged ({error})", "delete it, and trace again") from None

    def samples(self) -> dict[str, list[Sample]]:
        """Return the raw samples by family; leave out rows that cannot be parsed."""
        return _by_family(self._parsed(SAMPLES, sample_of))

    def conditions(self) -> dict[str, list[Conditions]]:
        """Return the conditions of the launches by family; leave out rows that cannot be parsed."""
        return _by_family(self._parsed(LAUNCHES, conditions_of))

    def _parsed(self, name: str, parse: Callable[[Mapping[str, str]], Value]) -> Iterator[tuple[str, Value]]:
        """Yield the family and the value of each of a table's rows that can be parsed."""
        for cells in self._read(name):
            with contextlib.suppress(ValueError, KeyError):
                yield cells["family"], parse(cells)

    def next_launch(self) -> int:
        """Return the number of the next launch: one more than the highest stored number."""
        numbers = [int(line["launch"]) for line in self._read(LAUNCHES) if line.get("launch", "").isdecimal()]
        return max(numbers, default=-1) + 1

    def finished(self, families: Sequence[Family], target: Target) -> dict[str, tuple[Record, ...]]:
        """Return the records of the complete families, by family name.

        Families that are compared with each other are complete together, or not at all.
        """
        rows = groups(self._read(MEASUREMENTS), itemgetter("family"))
        records = {}
        for family in families:
            cells = {line["variant"]: line for line in rows.get(family.name, ())}
            is_complete = all(cells.get(v.name, {}).get("channels") == v.channels for v in family.variants)
            if is_complete:
                with contextlib.suppress(StructureError):  # measure an unreadable row again
                    records[family.name] = tuple(
                        record_of(cells[v.name], family, v, family.on(target)) for v in family.variants
                    )
        cut = {family.group for family in families if family.name not in records}
        return {family.name: records[family.name] for family in families if family.group not in cut}

    def keep_only(self, families: Iterable[str]) -> None:
        """Delete the rows of all other families: a killed run left them incomplete."""
        kept = self._written = set(families)
        for name, columns in {**TABLES, **TRACES}.items():
            if name in TRACES and files.mode_of(self.path / name) is None:
                continue
            lines = self._read(name)
            if len({tuple(line.values()) for line in lines}) < len(lines):
                raise UserError(f"{self.path / name} has rows twice: the file is damaged, record the run again")
            more = [column for column in (lines[0] if lines else ()) if column not in columns]
            header = (*columns, *more)  # keep the columns of a later version
            rows = [[line.get(column, "") for column in header] for line in lines if line["family"] in kept]
            self.replace(name, lines_of([header, *rows]))

    def _read(self, name: str) -> list[dict[str, str]]:
        """Return the complete rows of a table, by column; leave out truncated rows.

        Raises UserError if the file cannot be read or is not a file of a run.
        """
        path = self.path / name
        if files.mode_of(path) is None:  # no trace, or the run was killed first
            return []
        try:
            text = files.read_text(path, errors="replace")
            complete = text[: text.rfind("\n") + 1]  # a kill can truncate the last line
            columns, *rows = csv.reader(io.StringIO(complete, newline="")) if complete else [[]]
        except (ValueError, csv.Error) as error:
            raise DamagedRunError(f"{path} cannot be read", str(error)) from None
        lacking = {"family", "launch" if name == LAUNCHES else "variant"} - set(columns)
        if lacking:
            raise DamagedRunError(f"{path} is not a file of a run", f"it lacks the column {min(lacking)}")
        return [dict(zip(columns, row, strict=True)) for row in rows if len(row) == len(columns)]


def _by_family(parsed: Iterable[tuple[str, Value]]) -> dict[str, list[Value]]:
    of_family = groups(parsed, itemgetter(0))
    return {family: [value for _, value in each] for family, each in of_family.items()}
