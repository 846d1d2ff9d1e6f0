"""Read the runs of a store where the folder of a run is taken: STORE/ID becomes the folder that it was."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from benchcli import files
from benchcli.errors import UserError
from benchcli.formatting import named
from benchcli.runs.read import read as read_folder
from benchcli.runs.suite_run import SuiteRun
from benchcli.spelling import given
from benchcli.store.adding import FILES
from benchcli.store.columns import FILE
from benchcli.store.database import ENDING, StoredRun, connected, files_of, is_of_several, kept_in, tables

if TYPE_CHECKING:
    from tempfile import TemporaryDirectory


def read(path: Path) -> SuiteRun:
    """Return the run at `path`: a run's folder, its `measurements.csv`, or STORE/ID of a run in a store.

    Raises UserError if there is no run, or if its files are damaged.
    """
    folder = folder_of(path)
    run = read_folder(folder)
    return run if folder == path else replace(run, folder=path)


def folder_of(path: Path) -> Path:
    """Return the folder with the files of a run: the path itself, or a temporary copy of what a store has.

    The copy lasts as long as this process.
    """
    kept = None if files.mode_of(path) is not None and path.suffix != ENDING else named_by(path)
    return path if kept is None else _copied(kept.file.absolute(), kept.id)


def named_by(path: Path) -> StoredRun | None:
    """Return the run in a store that a path names; None if it names none.

    The path is STORE/ID, of which the beginning suffices, or the file of a run. Raises UserError if
    several runs begin so.
    """
    if not files.is_folder(path.parent):
        return None
    name = path.name.removesuffix(ENDING)
    alone = path.with_name(name + ENDING)
    if files.is_file(alone) and not is_of_several(alone):  # which needs no list of what may be thousands of files
        return StoredRun(alone, name, "")
    found = [each for id_, each in runs_in(path.parent).items() if id_.startswith(name)]
    exact = [each for each in found if each.id == name]
    if len(found) > 1 and not exact:
        raise UserError(f"{path} is the beginning of several runs: {named([each.id for each in found])}")
    return next(iter(exact or found), None)


def runs_in(store: Path) -> Mapping[str, StoredRun]:
    """Return the runs in a store by ID, in the order of their IDs; the content of those in a file alone is left out."""
    there = files_of(store)
    runs = [run for file in there if is_of_several(file) for run in _runs_of(file.absolute())]
    runs += [StoredRun(file, file.name.removesuffix(ENDING), "") for file in there if not is_of_several(file)]
    return {each.id: each for each in sorted(runs, key=lambda run: run.id)}


@cache
def _runs_of(file: Path) -> list[StoredRun]:
    """Return the runs in a file, which never changes."""
    with connected() as connection:
        return kept_in(connection, [file])


def restore(path: Path, output: Path) -> None:
    """Write the folder that a run of a store was, with every file as it was.

    Raises UserError if there is no such run, or if `output` is there already or cannot be written.
    """
    kept = named_by(path)
    if kept is None:
        raise UserError(f"{path} is no run of a store: `benchcli store ls --store {path.parent}` lists its runs")
    if files.mode_of(output, follow=False) is not None:
        raise UserError(f"{output} exists: give another {given('output')}")
    _write(contents(kept), output)


def contents(kept: StoredRun) -> Mapping[str, bytes]:
    """Return the files of a run in a store, by name. Raises UserError if the file is damaged, or of a newer schema."""
    with tables(kept.file.parent, file=kept.file.name) as connection:
        query = "SELECT file_name, content FROM rows WHERE kind = $1 AND id = $2"
        rows = connection.execute(query, [FILE, kept.id]).fetchall()
    return {name: content for name, content in rows if name in FILES}  # no other name is written anywhere


def _write(contents: Mapping[str, bytes], folder: Path) -> None:
    try:
        folder.mkdir(parents=True)
        for name, content in contents.items():
            files.create(folder / name, content)
    except OSError as error:
        raise UserError(f"{folder} cannot be written: {error.strerror}: give another {given('output')}") from None


@cache
def _copies() -> "TemporaryDirectory[str]":
    return tempfile.TemporaryDirectory(prefix="benchcli-store-")


@cache
def _copied(file: Path, id_: str) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_copies().name)) / id_
    _write(contents(StoredRun(file, id_, "")), folder)
    return folder
