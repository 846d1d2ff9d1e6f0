"""The folder of a fleet on the machine that asks: what was asked for, and a folder for the run of each job."""

import contextlib
import json
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from benchcli import __version__, files
from benchcli.errors import UserError
from benchcli.fleets.job import Job, JobEnded, Piece, hashes_of, safe_name
from benchcli.runs.folder import LOCK, locked
from benchcli.schema.structure import StructureError, structure
from benchcli.spelling import given

FLEET = "fleet.json"
SCHEMA = 1
LONGEST_NAME = 100
"""Letters of the name of a host or a label, which is that of a folder."""


@dataclass(frozen=True)
class Asked:
    """What a fleet was asked for, and how its jobs ended."""

    fleet: str
    """A name that no other fleet has."""
    suite: str
    text: str
    words: tuple[str, ...]
    beside: str = ""
    """The folder of the suite's file."""
    jobs: tuple[str, ...] = ()
    """The hosts, or the labels of which one host each takes the job."""
    are_labels: bool = False
    ended: Mapping[str, JobEnded] = field(default_factory=dict)
    """Those that are finished or failed, by job."""
    schema: int = SCHEMA
    benchcli: str = __version__


class FleetFolder:
    """The folder of a fleet. Whatever a host has sent is on the disk before the next thing is asked for."""

    def __init__(self, path: Path, asked: Asked) -> None:
        self.path, self.asked = path, asked
        self._lock = locked(path)

    @classmethod
    def create(cls, path: Path, suite: str, text: str, words: Sequence[str], beside: str = "") -> "FleetFolder":
        """Create the folder of a new fleet. Raises UserError if it cannot be written, or holds anything."""
        try:
            path.mkdir(parents=True, exist_ok=True)
            other = min((each.name for each in path.iterdir() if each.name != LOCK), default=None)
        except (OSError, ValueError) as error:  # ValueError: a null character
            reason = getattr(error, "strerror", None) or error
            raise UserError(f"{path} cannot be written: {reason}: give another {given('output')}") from None
        if other:
            resumed = f", or {given('resume', path)}" if other == FLEET else ""
            raise UserError(f"{path} holds {other}: give an {given('output')} that is empty{resumed}")
        folder = cls(path, Asked(secrets.token_hex(8), suite, text, tuple(words), beside))
        folder._write()
        return folder

    @classmethod
    def reopen(cls, path: Path) -> "FleetFolder":
        """Open the folder of a fleet, in which a run that was changed or lost is none that is finished.

        Raises UserError if it is none, or is being written.
        """
        folder = cls(path, asked_in(path))
        ended = {
            name: each
            for name, each in folder.asked.ended.items()
            if not each.is_finished or folder._has_all(name, each)
        }
        folder.asked = replace(folder.asked, ended=ended)
        return folder

    def close(self) -> None:
        """Release the lock of the folder."""
        if self._lock:
            self._lock.release()

    def discard_empty(self) -> None:
        """Delete the folder of a fleet of which no job was handed out."""
        if self.asked.jobs:
            return
        for name in (FLEET, LOCK):
            (self.path / name).unlink(missing_ok=True)
        with contextlib.suppress(OSError):  # keep a folder that holds other files
            self.path.rmdir()

    def refuse_other(self, suite: str, text: str, words: Sequence[str]) -> None:
        """Raise UserError if something else is asked for than before."""
        if (suite, text, tuple(words)) != (self.asked.suite, self.asked.text, self.asked.words):
            raise UserError(
                f"{self.path} was begun with {self.asked.suite} {' '.join(self.asked.words)}".rstrip()
                + f": give the same, or another {given('output')}"
            )

    def hand_out(self, names: Sequence[str], are_labels: bool) -> None:
        """Keep which jobs there are. Raises UserError if two would have one folder."""
        refuse_names(names)
        self.asked = replace(self.asked, jobs=tuple(names), are_labels=are_labels)
        self._write()

    @property
    def left(self) -> tuple[str, ...]:
        """The jobs that are not finished."""
        return tuple(each for each in self.asked.jobs if not (of := self.asked.ended.get(each)) or not of.is_finished)

    def run_of(self, name: str) -> Path:
        """Return the folder of the run of a job."""
        return self.path / safe_name(name)

    def job(self, name: str, wait_s: float) -> Job:
        """Return what a host is asked, which sends only what is not here."""
        asked = self.asked
        has = hashes_of(self.run_of(name))
        return Job(asked.fleet, name, asked.suite, asked.text, asked.words, wait_s, asked.beside, has=has)

    def take(self, name: str, piece: Piece) -> None:
        """Write a piece of a file; one that does not fit is left out, and missed at the end."""
        path = self.run_of(name) / piece.file
        try:
            path.parent.mkdir(exist_ok=True)
            if piece.at == 0:
                files.replace(path, piece.content)
            elif files.is_file(path) and path.stat().st_size == piece.at:
                files.append(path, piece.content)
        except OSError as error:
            raise UserError(
                f"{path} cannot be written: {error.strerror}; what came before is kept: free space, and give "
                f"{given('resume', self.path)}"
            ) from None

    def end(self, name: str, ended: JobEnded) -> bool:
        """Keep how a job ended, and return whether all that its host has is here."""
        is_complete = not ended.hashes or self._has_all(name, ended)
        if is_complete:
            self.asked = replace(self.asked, ended={**self.asked.ended, name: ended})
            self._write()
        return is_complete

    def _has_all(self, name: str, ended: JobEnded) -> bool:
        return hashes_of(self.run_of(name)) == dict(ended.hashes)

    def _write(self) -> None:
        files.replace(self.path / FLEET, json.dumps(asdict(self.asked), indent=2) + "\n")


def refuse_names(names: Sequence[str]) -> None:
    """Raise UserError for names of hosts or labels of which a folder cannot have the name, or two the same."""
    folders: dict[str, str] = {}
    for name in names:
        folder = safe_name(name).casefold()
        if not name.strip() or len(name) > LONGEST_NAME or folder in (FLEET, LOCK):
            raise UserError(
                f"{name[:LONGEST_NAME]!r} is no name of a host or a label: give one of up to {LONGEST_NAME} letters"
            )
        if folder in folders:
            raise UserError(
                f"{folders[folder]!r} and {name!r} have one folder: give hosts and labels names of their own"
            )
        folders[folder] = name


def asked_in(path: Path) -> Asked:
    """Return what the fleet of a folder was asked for. Raises UserError if the folder is none of a fleet."""
    file = path / FLEET
    if not files.is_file(file):
        raise UserError(f"{path} is not the folder of a fleet: it lacks {FLEET}")
    try:
        facts = json.loads(files.read_text(file))
        schema = facts.get("schema") if isinstance(facts, dict) else None
        if schema != SCHEMA:
            raise UserError(f"{file} is of schema {schema}, not {SCHEMA}: another benchcli wrote it")
        return structure(facts, Asked)
    except (ValueError, StructureError, RecursionError) as error:
        raise UserError(f"{file} is damaged ({error}): measure again, with another {given('output')}") from None
