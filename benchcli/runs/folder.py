"""A folder of tables that a run appends to: whole and readable, whenever the run ends."""

import contextlib
import csv
import io
import itertools
import json
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from benchcli.errors import UserError
from benchcli.runs.rows import SCHEMA, Cell

if TYPE_CHECKING:
    from filelock import FileLock

ENVIRONMENT = "environment.json"
LOCK = ".lock"


class Folder:
    """A folder with `environment.json` and tables as CSV. Subclass it with the tables of one kind of run."""

    tables: ClassVar[Mapping[str, Sequence[str]]]
    """Each file's columns. A row of the last file says that the others are whole."""

    later: ClassVar[Mapping[str, Sequence[str]]] = {}
    """The columns of files that are there only where they have rows."""

    resumed: ClassVar[str] = ""
    """How to go on with what is in the folder already, where that can be."""

    def __init__(self, path: Path, lock: "FileLock | None" = None, made: Sequence[Path] = ()) -> None:
        self.path = path
        self._lock = lock
        self._made = made

    @classmethod
    def create(cls, path: Path, environment: Mapping[str, Any]) -> Self:
        """Make a folder for a new run. Raises UserError where it cannot be, or holds a run already."""
        try:
            made = [folder for folder in (path, *path.parents) if not folder.exists()]
            path.mkdir(parents=True, exist_ok=True)
            if (path / ENVIRONMENT).exists() or cls._holds_rows(path):
                raise UserError(f"{path} already holds a run: give another --output{cls.resumed.format(path)}")
            folder = cls(path, locked(path), made)
            folder.describe(environment)
            for name, columns in cls.tables.items():
                (path / name).write_text(lines_of([columns]), encoding="utf-8", newline="")
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}: give another --output") from None
        return folder

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Open the folder of a run that was cut short. Raises UserError where it holds none, or one still going."""
        if not (path / ENVIRONMENT).is_file():
            raise UserError(f"{path} holds no run to resume: it lacks {ENVIRONMENT}")
        return cls(path, locked(path))

    def close(self) -> None:
        """Let others write here again."""
        if self._lock:
            self._lock.release()

    def discard(self) -> None:
        """Take back a folder in which nothing was ever measured."""
        self.close()
        for name in (*self.tables, *self.later, ENVIRONMENT, LOCK):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # a folder that holds what is not ours stays
            for folder in self._made:
                folder.rmdir()

    @property
    def environment(self) -> dict[str, Any]:
        """What `describe` wrote. Raises UserError where it cannot be read."""
        path = self.path / ENVIRONMENT
        try:
            facts = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise UserError(f"{path} cannot be read: {error}") from None
        schema = facts.get("schema") if isinstance(facts, dict) else None
        if schema != SCHEMA:
            newer = isinstance(schema, int) and schema > SCHEMA
            way_out = "a newer benchcli wrote it, and reads it" if newer else f"this benchcli reads schema {SCHEMA}"
            raise UserError(f"{path} is of schema {schema}, not {SCHEMA}: {way_out}")
        return dict(facts)

    def describe(self, environment: Mapping[str, Any]) -> None:
        """Write `environment.json`, whole or not at all."""
        self.replace(ENVIRONMENT, json.dumps(environment, indent=2, ensure_ascii=False) + "\n")

    def add(self, rows: Mapping[str, Sequence[Sequence[Cell]]]) -> None:
        """Add rows to the tables, in the tables' order. Raises UserError where they cannot be written."""
        try:
            for name in self.tables:
                if name in rows:
                    self._append(name, lines_of(rows[name]))
        except OSError as error:
            raise UserError(f"{self.path} cannot be written: {error.strerror}; the earlier rows are kept") from None

    def replace(self, name: str, text: str) -> None:
        """Write a file, whole or not at all. Raises UserError where it cannot be written."""
        path = self.path / name
        draft = path.with_suffix(".part")
        try:
            draft.write_text(text, encoding="utf-8", newline="")
            draft.replace(path)
        except OSError as error:
            with contextlib.suppress(OSError):
                draft.unlink(missing_ok=True)
            raise UserError(f"{path} cannot be written: {error.strerror}") from None

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

    @classmethod
    def _holds_rows(cls, path: Path) -> bool:
        """Say whether there is more in the last table than a header that a run which never began left behind."""
        name, columns = list(cls.tables.items())[-1]
        return (path / name).exists() and (path / name).stat().st_size > len(lines_of([columns]))


def unused(path: Path) -> Path:
    """Return the path, or, where two runs begin in one second, the path with a number."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())


def locked(path: Path) -> "FileLock | None":
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


def lines_of(rows: Sequence[Sequence[Cell]]) -> str:
    """Return rows as CSV."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
