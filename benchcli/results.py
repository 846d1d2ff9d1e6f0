"""The folder of a run: what is finished is in it, whole and readable, whenever the run ends."""

import contextlib
import csv
import io
import json
import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from benchcli.errors import UserError
from benchcli.records import COLUMNS, SAMPLE_COLUMNS, SCHEMA, Cell, parse, row
from benchcli.schema import Family, FamilyResult, Record, Sample, Target

MEASUREMENTS = "measurements.csv"
SAMPLES = "samples.csv"
ENVIRONMENT = "environment.json"


class ResultsFolder:
    """A folder that a run appends to, family by family."""

    def __init__(self, path: Path, made: Sequence[Path] = ()) -> None:
        self.path = path
        self._made = made

    @classmethod
    def create(cls, path: Path) -> "ResultsFolder":
        """Make a folder for a new run. Raises UserError where it cannot be, or holds a run already."""
        try:
            if (path / ENVIRONMENT).exists() or _holds_rows(path / MEASUREMENTS):
                raise UserError(f"{path} already holds a run: give another --output, or --resume {path}")
            folder = cls(path, [folder for folder in (path, *path.parents) if not folder.exists()])
            for name in (MEASUREMENTS, SAMPLES):  # of a run that was killed before it had begun
                (path / name).unlink(missing_ok=True)
            path.mkdir(parents=True, exist_ok=True)
            folder._append(MEASUREMENTS, _lines([COLUMNS]))
            folder._append(SAMPLES, _lines([SAMPLE_COLUMNS]))
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}: give another --output") from None
        return folder

    @classmethod
    def reopen(cls, path: Path) -> "ResultsFolder":
        """Open the folder of a run that was cut short. Raises UserError where it holds none."""
        if not (path / MEASUREMENTS).is_file() or not (path / ENVIRONMENT).is_file():
            raise UserError(f"{path} holds no run to resume: it lacks {MEASUREMENTS} or {ENVIRONMENT}")
        return cls(path)

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

    def append(self, result: FamilyResult) -> None:
        """Add a finished family: its samples first, so that a family with records has its samples too."""
        samples = [_sample(result.family.name, sample) for sample in result.samples]
        records = [[row(record)[column] for column in COLUMNS] for record in result.records]
        try:
            self._append(SAMPLES, _lines(samples))
            self._append(MEASUREMENTS, _lines(records))
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {error.strerror}; the earlier rows are kept") from None

    def discard(self) -> None:
        """Take back a folder in which nothing was ever measured."""
        for name in (MEASUREMENTS, SAMPLES, ENVIRONMENT):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a folder that holds what is not ours stays
            for folder in self._made:
                folder.rmdir()

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
        kept = set(families)
        for name, columns in ((MEASUREMENTS, COLUMNS), (SAMPLES, SAMPLE_COLUMNS)):
            rows = [[line.get(c, "") for c in columns] for line in self._read(name) if line["family"] in kept]
            self._replace(name, _lines([columns, *rows]))

    def _read(self, name: str) -> list[dict[str, str]]:
        import pandas

        path = self.path / name
        try:
            text = path.read_text(encoding="utf-8", errors="replace")
            whole = text[: text.rfind("\n") + 1]  # a line without its end was cut short by a kill
            frame = pandas.read_csv(io.StringIO(whole), dtype=str, keep_default_na=False, on_bad_lines="skip")
        except (OSError, ValueError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        lacking = {"family", "variant"} - set(frame.columns)
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
            raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _holds_rows(path: Path) -> bool:
    """Say whether there is more in the file than a header that a run which never began left behind."""
    return path.exists() and path.stat().st_size > len(_lines([COLUMNS]))


def _by_family(rows: Iterable[dict[str, str]]) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {}
    for line in rows:
        found.setdefault(line["family"], []).append(line)
    return found


def _sample(family: str, sample: Sample) -> list[Cell]:
    return [family, sample.variant, sample.launch, sample.round, sample.calls, sample.seconds, sample.faults]


def _lines(rows: Sequence[Sequence[Cell]]) -> str:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
