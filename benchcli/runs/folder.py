"""Write a run's tables to a folder that stays readable at whatever moment the run ends."""

import contextlib
import csv
import io
import itertools
import json
import os
import stat
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Self

from benchcli import files
from benchcli.errors import DamagedRunError, UserError
from benchcli.files import ENVIRONMENT
from benchcli.runs.rows import Cell
from benchcli.schema.environment import SCHEMA, Environment, as_json, from_json
from benchcli.schema.structure import StructureError
from benchcli.spelling import given

if TYPE_CHECKING:
    from filelock import FileLock

LOCK = ".lock"
RESULTS = Path("results")
"""The folder in which runs and checks get their folders by default."""
IGNORE = ".gitignore"
"""A file that keeps results out of the repository, if benchcli itself creates their folder."""


LOOK_S = 0.5
"""Seconds to wait for a lock: who only looks whether a run is going holds it for a moment."""


class Folder:
    """A folder with `environment.json` and CSV tables.

    A subclass declares the tables of one kind of run.
    """

    tables: ClassVar[Mapping[str, Sequence[str]]]
    """File names and columns. A row in the last file marks the rows in the others as complete."""

    later: ClassVar[Mapping[str, Sequence[str]]] = {}
    """Optional files and their columns. An optional file exists only if it has rows."""

    def __init__(self, path: Path, lock: "FileLock | None" = None, made: Sequence[Path] = ()) -> None:
        self.path = path
        self._lock = lock
        self._made = made

    @classmethod
    def names(cls) -> tuple[str, ...]:
        """Return the names of all files that such a folder can hold."""
        return (*cls.tables, *cls.later, ENVIRONMENT, LOCK)

    @classmethod
    def or_resume(cls, path: Path) -> str:  # noqa: ARG003
        """Return how to resume what a folder holds, for errors about it; empty if that cannot be resumed."""
        return ""

    @classmethod
    def create(cls, path: Path, environment: Environment) -> Self:
        """Create the folder of a new run.

        Raises UserError if the folder cannot be written or already holds a run.
        """
        try:
            made = [folder for folder in (path, *path.parents) if files.mode_of(folder) is None]
            path.mkdir(parents=True, exist_ok=True)
            if path.parent == RESULTS and RESULTS in made:
                files.create(RESULTS / IGNORE, "*\n")
            files.refuse_special(path / ENVIRONMENT)
            if files.is_file(path / ENVIRONMENT):
                raise UserError(f"{path} already holds a run: give another {given('output')}{cls.or_resume(path)}")
            refuse_others(path, cls.names())
            folder = cls(path, locked(path), made)
            folder.describe(environment)
            for name, columns in cls.tables.items():
                files.create(path / name, lines_of([columns]))
        except OSError as error:
            raise UserError(f"{path} cannot be written: {error.strerror}: give another {given('output')}") from None
        return folder

    @classmethod
    def reopen(cls, path: Path) -> Self:
        """Open the folder of an interrupted run.

        Raises UserError if the folder holds no run, or a run that is still active.
        """
        if not files.is_file(path / ENVIRONMENT):
            raise UserError(f"{path} is not the folder of a run: it lacks {ENVIRONMENT}")
        for name in cls.names():
            files.refuse_special(path / name)
        return cls(path, locked(path))

    def close(self) -> None:
        """Release the lock, so that other runs can write to the folder."""
        if self._lock:
            self._lock.release()

    def discard(self) -> None:
        """Delete the folder of a run that has measured nothing."""
        self.close()
        for name in self.names():
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # keep a folder that holds other files
            for folder in self._made:
                if folder == RESULTS and list(folder.iterdir()) == [folder / IGNORE]:
                    (folder / IGNORE).unlink()
                folder.rmdir()

    @property
    def environment(self) -> Environment:
        """The contents of `environment.json`. Raises UserError if it cannot be read."""
        return self.environment_of(self.facts)

    @property
    def facts(self) -> dict[str, Any]:
        """The object in `environment.json`. Raises UserError if it is none, or of another schema."""
        path = self.path / ENVIRONMENT
        try:
            facts = json.loads(files.read_text(path))
        except (ValueError, RecursionError) as error:
            raise DamagedRunError(
                f"{path} cannot be read: {error}", "the file is damaged, record the run again"
            ) from None
        schema = facts.get("schema") if isinstance(facts, dict) else None
        if schema != SCHEMA:
            newer = isinstance(schema, int) and schema > SCHEMA
            way_out = "a newer benchcli wrote it, and reads it" if newer else f"this benchcli reads schema {SCHEMA}"
            raise UserError(f"{path} is of schema {schema}, not {SCHEMA}: {way_out}")
        return dict(facts)

    def environment_of(self, facts: Mapping[str, Any]) -> Environment:
        """Return the environment that facts of this folder stand for. Raises UserError."""
        try:
            return from_json(facts)
        except StructureError as error:
            raise DamagedRunError(f"{self.path / ENVIRONMENT}: {_fault(error)}", "record it again") from None

    def describe(self, environment: Environment) -> None:
        """Write `environment.json` atomically."""
        self.replace(ENVIRONMENT, json.dumps(as_json(environment), indent=2, ensure_ascii=False) + "\n")

    def add(self, rows: Mapping[str, Sequence[Sequence[Cell]]]) -> None:
        """Append rows to the tables, in the order of `tables`.

        Raises UserError if they cannot be written.
        """
        try:
            for name in self.tables:
                if name in rows:
                    self._append(name, lines_of(rows[name]))
        except (FileNotFoundError, NotADirectoryError):
            gone = self.path / name if files.is_folder(self.path) else self.path
            raise UserError(
                f"{gone} is not there any more: it was deleted or moved during the run, measure again"
            ) from None
        except OSError as error:
            again = self.or_resume(self.path)
            raise UserError(
                f"{self.path} cannot be written: {error.strerror}; what was written before is kept: free space, and "
                f"measure again{again}"
            ) from None

    def replace(self, name: str, text: str) -> None:
        """Write a file atomically. Raises UserError if it cannot be written, or would be too large to be read."""
        self._refuse_more(name, len(text))
        files.replace(self.path / name, text)

    def _append(self, name: str, text: str) -> None:
        """Append lines, all or none."""
        path = self.path / name
        self._refuse_more(name, path.lstat().st_size + len(text))
        files.append(path, text)

    def _refuse_more(self, name: str, size: int) -> None:
        """Raise UserError for a file that nothing would read again."""
        if size > files.MOST_BYTES:
            raise UserError(
                f"{self.path / name} would be larger than {files.MOST_BYTES / 2**20:.0f} MiB, the most that is read; "
                "what was written before is kept: measure fewer networks or launches in a run"
            )


def refuse_others(path: Path, names: Iterable[str]) -> None:
    """Raise UserError if a folder for a new run holds anything.

    The run would write over files of these names, and stand among others as if they were its own.
    """
    if not files.is_folder(path):
        return
    for name in names:
        if name != LOCK and files.mode_of(path / name, follow=False) is not None:
            raise UserError(f"{path / name} exists, and is no part of a run: give another {given('output')}")
    other = min((each.name for each in path.iterdir() if each.name != LOCK), default=None)
    if other is not None:
        raise UserError(
            f"{path} holds other files, such as {other}: give an {given('output')} that is empty, or not there yet"
        )


def _fault(error: StructureError) -> str:
    """Return what is wrong with a recorded environment."""
    part = error.path[0] if error.path else ""
    if part in {"suite", "target"}:
        return f"it does not say {'which networks were' if part == 'suite' else 'where was'} measured ({error})"
    return f"{': '.join(error.path[:2]) or error.lacking} is not what a run writes there"


def unused(path: Path) -> Path:
    """Return `path`, with a number appended if it exists: two runs can start in the same second."""
    numbered = (path.with_name(f"{path.name}-{number}") for number in itertools.count(2))
    return next(each for each in itertools.chain([path], numbered) if not each.exists())


def locked(path: Path, wait_s: float = LOOK_S) -> "FileLock | None":
    """Lock a folder against other runs; return None if the file system has no locks.

    The operating system releases the lock when this process ends, however it ends.
    Raises UserError if another run holds the lock.
    """
    from filelock import FileLock, Timeout

    files.refuse_shared(path / LOCK)  # the lock empties the file that it opens
    lock = FileLock(path / LOCK)
    try:
        lock.acquire(timeout=wait_s)
    except Timeout:
        raise UserError(f"{path} is being written by a run that is still going: wait for it, or end it") from None
    except NotImplementedError:  # some network file systems have no locks
        return None
    except OSError as error:
        raise UserError(f"{path} cannot be locked: {error.strerror}") from None
    return lock


def is_going(path: Path) -> bool:
    """Return whether a run or check is writing to a folder now."""
    mode = files.mode_of(path / LOCK, follow=False)
    if mode is None or not stat.S_ISREG(mode) or not os.access(path / LOCK, os.W_OK):
        return False
    try:
        lock = locked(path, wait_s=0.0)
    except UserError:
        return True
    if lock:
        lock.release()
    return False


def lines_of(rows: Sequence[Sequence[Cell]]) -> str:
    """Return rows as CSV text."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue()
