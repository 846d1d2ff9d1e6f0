"""The folder of a run of families: records, samples, and what each launch met."""

import contextlib
import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli.errors import UserError
from benchcli.runs.folder import Folder, lines_of
from benchcli.runs.rows import (
    BREAKDOWN_COLUMNS,
    COLUMNS,
    CONDITION_COLUMNS,
    SAMPLE_COLUMNS,
    breakdown_row,
    condition_row,
    parse,
    parse_breakdown,
    row,
    sample_row,
)
from benchcli.schema import Breakdown, Family, FamilyResult, Record, Target

if TYPE_CHECKING:
    from filelock import FileLock

MEASUREMENTS = "measurements.csv"
SAMPLES = "samples.csv"
LAUNCHES = "launches.csv"
BREAKDOWN = "breakdown.csv"
TABLES = {SAMPLES: SAMPLE_COLUMNS, LAUNCHES: CONDITION_COLUMNS, MEASUREMENTS: COLUMNS}
"""Files with a row for each sample, launch and variant. The last one's say that the others are whole."""
TRACES = {BREAKDOWN: BREAKDOWN_COLUMNS}
"""The file with a row for each traced launch, where something was traced."""


class RunFolder(Folder):
    """A folder that a run appends to, family by family."""

    tables = TABLES
    later = TRACES
    resumed = ", or --resume {}"

    def __init__(self, path: Path, lock: "FileLock | None" = None, made: Sequence[Path] = ()) -> None:
        super().__init__(path, lock, made)
        self._written: set[str] = set()

    def put(self, result: FamilyResult) -> None:
        """Add a finished family, in place of its earlier rows where it has some."""
        if result.family.name in self._written:
            self.keep_only(self._written - {result.family.name})
        self._append_family(result)

    def _append_family(self, result: FamilyResult) -> None:
        """Add a family's rows: its samples first, so that a family with records has its samples too."""
        family = result.family.name
        rows = {
            SAMPLES: [sample_row(family, sample) for sample in result.samples],
            LAUNCHES: [condition_row(family, conditions) for conditions in result.conditions],
            MEASUREMENTS: [[row(record)[column] for column in COLUMNS] for record in result.records],
        }
        self.add(rows)
        self._written.add(family)

    def put_breakdowns(self, family: str, breakdowns: Sequence[Breakdown]) -> None:
        """Add where the time of a family's variants goes, in place of what an earlier try left."""
        others = [each for each in self.breakdowns() if each.family != family]
        rows = [breakdown_row(each) for each in (*others, *breakdowns)]
        self.replace(BREAKDOWN, lines_of([BREAKDOWN_COLUMNS, *rows]))

    def breakdowns(self) -> list[Breakdown]:
        """Return what was added so far; a row that does not read is left out."""
        found = []
        for cells in self._read(BREAKDOWN):
            with contextlib.suppress(ValueError, KeyError):
                found.append(parse_breakdown(cells))
        return found

    def next_launch(self) -> int:
        """Return the first number that no launch has yet."""
        numbers = [int(line["launch"]) for line in self._read(LAUNCHES) if line.get("launch", "").isdecimal()]
        return max(numbers, default=-1) + 1

    def finished(self, families: Iterable[Family], target: Target) -> dict[str, tuple[Record, ...]]:
        """Return the records of the families that are whole."""
        rows = _by_family(self._read(MEASUREMENTS))
        found = {}
        for family in families:
            cells = {line["variant"]: line for line in rows.get(family.name, ())}
            if all(cells.get(v.name, {}).get("channels") == v.channels for v in family.variants):
                with contextlib.suppress(ValueError, KeyError):  # a row that does not read is measured again
                    found[family.name] = tuple(parse(cells[v.name], family, v, target) for v in family.variants)
        return found

    def keep_only(self, families: Iterable[str]) -> None:
        """Drop the rows of all other families: what a killed run left of them is not whole."""
        kept = self._written = set(families)
        for name, columns in {**TABLES, **TRACES}.items():
            if name in TRACES and not (self.path / name).exists():
                continue
            found = self._read(name)
            more = [column for column in (found[0] if found else ()) if column not in columns]
            wanted = (*columns, *more)  # a later version's columns are kept
            rows = [[line.get(column, "") for column in wanted] for line in found if line["family"] in kept]
            self.replace(name, lines_of([wanted, *rows]))

    def _read(self, name: str) -> list[dict[str, str]]:
        """Return the whole rows of a table, by column; a row that was cut short is left out."""
        path = self.path / name
        if not path.exists():  # nothing was traced, or the run was killed before it wrote the file
            return []
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            whole = text[: text.rfind("\n") + 1]  # a line without its end was cut short by a kill
            columns, *rows = csv.reader(io.StringIO(whole, newline=""))
        except (OSError, ValueError, csv.Error) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        lacking = {"family", "launch" if name == LAUNCHES else "variant"} - set(columns)
        if lacking:
            raise UserError(f"{path} is not a file of a run: it lacks the column {min(lacking)}")
        return [dict(zip(columns, row, strict=True)) for row in rows if len(row) == len(columns)]


def _by_family(rows: Iterable[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for line in rows:
        found.setdefault(line["family"], []).append(line)
    return found
