"""Read the runs of a store where the folder of a run is taken: STORE/ID becomes the folder that it was."""

import tempfile
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from glob import escape
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
from benchcli.store.database import ENDING, tables

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
    file = None if files.mode_of(path) is not None and path.suffix != ENDING else file_of(path)
    return path if file is None else _copied(file.absolute())


def file_of(path: Path) -> Path | None:
    """Return the file of a run in a store that a path names; None if it names none.

    The path is the file, or STORE/ID, of which the beginning suffices. Raises UserError if several
    runs begin so.
    """
    if path.suffix == ENDING and files.is_file(path):
        return path
    if not files.is_folder(path.parent):
        return None
    found = sorted(path.parent.glob(f"{escape(path.name)}*{ENDING}"))
    exact = [each for each in found if each.name == path.name + ENDING]
    if len(found) > 1 and not exact:
        raise UserError(f"{path} is the beginning of several runs: {named([each.stem for each in found])}")
    return next(iter(exact or found), None)


def restore(path: Path, output: Path) -> None:
    """Write the folder that a run of a store was, with every file as it was.

    Raises UserError if there is no such run, or if `output` is there already or cannot be written.
    """
    file = file_of(path)
    if file is None:
        raise UserError(f"{path} is no run of a store: `benchcli store ls --store {path.parent}` lists its runs")
    if files.mode_of(output, follow=False) is not None:
        raise UserError(f"{output} exists: give another {given('output')}")
    _write(contents(file), output)


def contents(file: Path) -> Mapping[str, bytes]:
    """Return the files of a run in a store, by name. Raises UserError if the file is damaged, or of a newer schema."""
    with tables(file.parent, file=file.name) as connection:
        rows = connection.execute("SELECT file_name, content FROM rows WHERE kind = $1", [FILE]).fetchall()
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
def _copied(file: Path) -> Path:
    folder = Path(tempfile.mkdtemp(dir=_copies().name)) / file.stem
    _write(contents(file), folder)
    return folder
