"""Add runs to a store: those that are given together become one file, which never changes afterwards."""

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli import files, formatting
from benchcli.errors import UserError
from benchcli.files import ENVIRONMENT
from benchcli.runs.audit_file import is_audit
from benchcli.runs.folder import LOCK, Folder, is_going
from benchcli.runs.own_files import FINDINGS
from benchcli.runs.run_folder import MEASUREMENTS, RunFolder
from benchcli.schema import Key
from benchcli.spelling import given
from benchcli.store.batch import AGAIN, NewRun, write
from benchcli.store.database import ENDING, SEVERAL, StoredRun, connected, files_of, is_of_several, kept_in

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

FILES = tuple(name for name in (*RunFolder.names(), FINDINGS) if name != LOCK)
"""The files of a run or a check that a store keeps."""
LONGEST_NAME = 150
"""Letters of a run's name in its ID."""
MOST_RUNS, MOST_BYTES = 200, 2**25
"""Runs in one file, and bytes of their files: what fits into memory, and is lost if a file is damaged."""
_Batch = list[tuple[Path, "NewRun | UserError"]]
"""Folders, each with its run or with what is wrong with it."""


@dataclass(frozen=True)
class Added:
    """A run that is in a store."""

    path: Path
    """STORE/ID, which commands take as the folder of a run."""
    is_new: bool
    """Whether it was not there before."""


class NotAddedError(UserError):
    """Some of the runs that a store was given were not added; `added` are those that were, or that it had."""

    def __init__(self, refused: Mapping[Path, UserError], added: Sequence[Added]) -> None:
        reasons = [str(each) for each in refused.values()]
        rest = f"; not added: {formatting.named(list(map(str, refused)))}" if len(refused) + len(added) > 1 else ""
        kept = f"; in the store: {formatting.named([str(each.path) for each in added])}" if added else ""
        more = f" (and {formatting.counted(len(reasons) - 1, 'more fault')})" if len(reasons) > 1 else ""
        super().__init__(f"{reasons[0]}{more}{rest}{kept}")
        self.added = tuple(added)


def prepare(store: Path) -> None:
    """Create the folder of a store, if it is not there. Raises UserError if it cannot be one, or without DuckDB."""
    with connected():
        _make(store)


def _make(store: Path) -> None:
    try:
        store.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        another = f"give another {given('store')}"
        raise UserError(f"{store} cannot be a store of results: {error.strerror}: {another}") from None


def add(runs: Sequence[Path], store: Path) -> list[Added]:
    """Add finished runs and checks to a store; those that it has already are left as they are.

    A file is written under a temporary name and renamed, so that a reader or another writer sees all of
    its runs or nothing. Raises UserError if the store cannot be one, or if DuckDB is not installed, and
    NotAddedError, when the others were added, if runs are not finished or damaged or cannot be written.
    """
    added: list[Added] = []
    refused: dict[Path, UserError] = {}
    with connected() as connection:
        connection.execute("SET threads = 1")  # more take more of the processor's time together
        for batch in _batches(runs):
            for run, outcome in _outcomes(connection, batch, store):
                if isinstance(outcome, UserError):
                    refused[run] = outcome
                else:
                    added.append(outcome)
    if refused:
        raise NotAddedError(refused, added)
    return added


def _batches(runs: Iterable[Path]) -> Iterator[_Batch]:
    """Yield what goes into one file."""
    batch: _Batch = []
    for run in runs:
        batch.append((run, _read_or_error(run)))
        sizes = [found.bytes for _, found in batch if isinstance(found, NewRun)]
        if len(sizes) == MOST_RUNS or sum(sizes) >= MOST_BYTES:
            yield batch
            batch = []
    yield batch


def _outcomes(connection: "DuckDBPyConnection", batch: _Batch, store: Path) -> Iterator[tuple[Path, Added | UserError]]:
    """Write those of some runs that a store does not have, and yield what became of each."""
    found = [run for _, run in batch if isinstance(run, NewRun)]
    there = _there(connection, store, {run.id for run in found})
    new: dict[str, NewRun] = {}
    for run in found:
        if run.id not in there:
            new.setdefault(run.id, run)
    failed = _write(connection, list(new.values()), store, there)
    for folder, outcome in batch:
        if isinstance(outcome, UserError):
            yield folder, outcome
        elif error := failed.get(outcome.id) or _other(there[outcome.id], outcome):
            yield folder, error
        else:
            yield folder, Added(store / outcome.id, is_new=new.get(outcome.id) is outcome)


def _there(connection: "DuckDBPyConnection", store: Path, ids: Iterable[str]) -> dict[str, StoredRun]:
    """Return those runs that a store has, and all that are in one file with others. Raises UserError."""
    single = {f"{each}{ENDING}" for each in ids}
    looked_at = [file for file in files_of(store) if file.name in single or is_of_several(file)]
    return {each.id: each for each in kept_in(connection, looked_at)}


def _other(kept: StoredRun, run: NewRun) -> UserError | None:
    """Return the error about a run that a store has in another state than its folder is in."""
    if kept.content == run.content:
        return None
    again = "remove it, and add the run again"
    way_out = f"it holds others too: give another {given('store')}" if is_of_several(kept.file) else again
    return UserError(f"{kept.file} has {run.folder} as it was before (traces came later): {way_out}")


def _write(
    connection: "DuckDBPyConnection", runs: Sequence[NewRun], store: Path, there: dict[str, StoredRun]
) -> dict[str, UserError]:
    """Write runs to a file, note what is there now, and return what is wrong with those that are not, by ID."""
    if not runs:
        return {}
    ids = [run.id for run in runs]
    file = store / f"{ids[0] if len(ids) == 1 else SEVERAL + _hash(*ids)[:16]}{ENDING}"
    try:
        _make(store)
        write(connection, runs, file)
    except UserError as error:
        if len(runs) == 1:
            return {ids[0]: error}
        half = len(runs) // 2  # to find those that are wrong
        return _write(connection, runs[:half], store, there) | _write(connection, runs[half:], store, there)
    there |= {run.id: StoredRun(file, run.id, run.content) for run in runs}
    return {}


def _hash(*texts: str) -> str:
    found = hashlib.sha256()
    for each in texts:
        found.update(each.encode() + b"\0")
    return found.hexdigest()


def _read_or_error(run: Path) -> NewRun | UserError:
    try:
        return _read(run)
    except UserError as error:
        return error


def _read(run: Path) -> NewRun:
    """Return what a folder has. Raises UserError if it holds no run or check that has ended."""
    if is_audit(run):
        raise UserError(f"{run} is an audit, which a store does not keep: give runs and checks")
    if not files.is_folder(run):
        raise UserError(f"no results at {run}: give the folder of a run, such as results/<time>-<suite>-<host>")
    if is_going(run):
        raise UserError(f"{run} is still being measured: add it when it has ended")
    contents = {name: files.read_text(run / name) for name in FILES if files.mode_of(run / name) is not None}
    if ENVIRONMENT not in contents or not {MEASUREMENTS, FINDINGS} & set(contents):
        raise UserError(f"{run} is not the folder of a run: it lacks {ENVIRONMENT} or {MEASUREMENTS}")
    folder = Folder(run)
    facts = folder.facts
    environment = folder.environment_of({**facts, "suite": None})
    if environment.machine is None:
        raise UserError(f"{run} was cut short before anything was measured: {AGAIN}")
    suite, asked = environment.check.suite if environment.check else "", frozenset[Key]()
    if MEASUREMENTS in contents:
        suite, asked = _suite(run, facts)
    name = re.sub(r"[^\w.-]", "-", environment.run).lstrip(".")[:LONGEST_NAME]
    decisive = contents.get(MEASUREMENTS) or contents[FINDINGS]  # whose numbers are of no other run
    id_, content = f"{name}-{_hash(decisive)[:8]}", _hash(*(each for pair in contents.items() for each in pair))
    return NewRun(run, id_, content, contents, environment, suite, asked)


def _suite(run: Path, facts: Mapping[str, Any]) -> tuple[str, frozenset[Key]]:
    """Return the name of the suite that a run was asked to measure, and its families and variants."""
    try:
        suite = facts["suite"]
        return str(suite["name"]), frozenset(
            (str(family["name"]), str(variant["name"]))
            for family in suite["families"]
            for variant in family["variants"]
        )
    except (KeyError, TypeError):
        raise UserError(f"{run / ENVIRONMENT} does not say which networks were measured: record it again") from None
