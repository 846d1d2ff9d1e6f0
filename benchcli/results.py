"""The folder of a run: what is finished is in it, whole and readable, whenever the run ends."""

import contextlib
import csv
import io
import itertools
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError
from benchcli.records import (
    COLUMNS,
    CONDITION_COLUMNS,
    SAMPLE_COLUMNS,
    SCHEMA,
    Cell,
    condition_row,
    parse,
    row,
    sample_row,
)
from benchcli.schema import Family, FamilyResult, Record, Target

if TYPE_CHECKING:
    from filelock import FileLock

MEASUREMENTS = "measurements.csv"
SAMPLES = "samples.csv"
LAUNCHES = "launches.csv"
ENVIRONMENT = "environment.json"
LOCK = ".lock"
TABLES = {SAMPLES: SAMPLE_COLUMNS, LAUNCHES: CONDITION_COLUMNS, MEASUREMENTS: COLUMNS}
"""The files with a row for each sample, launch and variant. A row of the last one says that the others are whole."""


class ResultsFolder:
    """A folder that a run appends to, family by family."""

    def __init__(self, path: Path, lock: "FileLock | None" = None, made: Sequence[Path] = ()) -> None:
        self.path = path
        self._lock = lock
        self._made = made
        self._written: set[str] = set()

    @classmethod
    def create(cls, path: Path, environment: Mapping[str, Any]) -> "ResultsFolder":
        """Make a folder for a new run. Raises UserError where it cannot be, or holds a run already."""
        try:
            made = [folder for folder in (path, *path.parents) if not folder.exists()]
            path.mkdir(parents=True, exist_ok=True)
            if (path / ENVIRONMENT).exists() or _holds_rows(path / MEASUREMENTS):
                raise UserError(f"{path} already holds a run: give another --output, or --resume {path}")
            folder = cls(path, _locked(path), made)
            folder.describe(environment)
            for name, columns in TABLES.items():
                (path / name).write_text(_lines([columns]), encoding="utf-8", newline="")
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}: give another --output") from None
        return folder

    @classmethod
    def reopen(cls, path: Path) -> "ResultsFolder":
        """Open the folder of a run that was cut short. Raises UserError where it holds none, or one still going."""
        if not (path / ENVIRONMENT).is_file():
            raise UserError(f"{path} holds no run to resume: it lacks {ENVIRONMENT}")
        return cls(path, _locked(path))

    def close(self) -> None:
        """Let others write here again."""
        if self._lock:
            self._lock.release()

    @property
    def environment(self) -> dict[str, Any]:
        """What `describe` wrote. Raises UserError where it cannot be read."""
        path = self.path / ENVIRONMENT
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        if not isinstance(facts, dict) or facts.get("schema") != SCHEMA:
            raise UserError(f"{path} is not of schema {SCHEMA}, which this benchcli reads")
        return facts

    def describe(self, environment: Mapping[str, Any]) -> None:
        """Write `environment.json`, whole or not at all."""
        self._replace(ENVIRONMENT, json.dumps(environment, indent=2, ensure_ascii=False) + "\n")

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
        try:
            for name in TABLES:
                self._append(name, _lines(rows[name]))
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {error.strerror}; the earlier rows are kept") from None
        self._written.add(family)

    def discard(self) -> None:
        """Take back a folder in which nothing was ever measured."""
        self.close()
        for name in (*TABLES, ENVIRONMENT, LOCK):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a folder that holds what is not ours stays
            for folder in self._made:
                folder.rmdir()

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
        for name, columns in TABLES.items():
            found = self._read(name)
            more = [column for column in (found[0] if found else ()) if column not in columns]
            wanted = (*columns, *more)  # a later version's columns are kept
            rows = [[line.get(column, "") for column in wanted] for line in found if line["family"] in kept]
            self._replace(name, _lines([wanted, *rows]))

    def _read(self, name: str) -> list[dict[str, str]]:
        import pandas

        path = self.path / name
        if not path.exists():  # an earlier version wrote no such file, or the run was killed before it did
            return []
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            whole = text[: text.rfind("\n") + 1]  # a line without its end was cut short by a kill
            frame = pandas.read_csv(io.StringIO(whole), dtype=str, keep_default_na=False, on_bad_lines="skip")
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        lacking = {"family", "launch" if name == LAUNCHES else "variant"} - set(frame.columns)
        if lacking:
            raise UserError(f"{path} is not a file of a run: it lacks the column {min(lacking)}")
        return [{str(key): str(value) for key, value in line.items()} for line in frame.to_dict("records")]

    def _append(self, name: str, text: str) -> None:
        """Add lines, all or none: where the disk is full, what was there before stays as it was."""
        path = self.path / name
        before = path.stat().st_size if path.exists() else 0
        try:
            with path.open("a", encoding="utf-8", newline="") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
        except OSError:
            if path.exists():
                os.truncate(path, before)
            raise

    def _replace(self, name: str, text: str) -> None:
        path = self.path / name
        draft = path.with_suffix(".part")
        try:
            draft.write_text(text, encoding="utf-8", newline="")
            draft.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise UserError(f"{path} cannot be written: {error.strerror}") from None


def unused(path: Path) -> Path:
    """Return the path, or, where two runs begin in one second, the path with a number."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())


def _locked(path: Path) -> "FileLock | None":
    """Keep other runs out of a folder. The system takes the lock back, however this process ends."""
    from filelock import FileLock, Timeout

    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise UserError(f"{path} is being written by a run that is still going: wait for it, or end it") from None
    except NotImplementedError:  # some network file systems have no locks
        return None
    return lock


def _holds_rows(path: Path) -> bool:
    """Say whether there is more in the file than a header that a run which never began left behind."""
    return path.exists() and path.stat().st_size > len(_lines([COLUMNS]))


def _by_family(rows: Iterable[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for line in rows:
        found.setdefault(line["family"], []).append(line)
    return found


def _lines(rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
