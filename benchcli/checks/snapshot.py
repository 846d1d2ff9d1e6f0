"""Copy a folder of code, so that what a check measures stays as it is, whoever edits the folder meanwhile."""

import os
import shutil
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Final, Literal

from benchcli.runs.own_files import COMPILED

MOST_FILES = 20_000
MOST_BYTES = 2**30
"""A folder with more files, or with more bytes to copy, is measured where it is."""
LARGE = 16 * 2**20
"""Bytes from which a file, such as one of weights, is linked and not copied."""
LINKED = frozenset({".git", "node_modules"})
"""Folders without code that a network imports; an environment of Python is linked too."""
SKIPPED = frozenset({COMPILED})

COPY: Final = "copy"
LINK: Final = "link"
FOLDER: Final = "folder"
Entry = tuple[Literal["copy", "link", "folder"], Path, int]
"""What becomes of a path relative to the folder, and how many bytes that takes."""


def take(root: Path, place: Path) -> bool:
    """Copy a folder to the new folder `place`; return False, and leave nothing, if it is too large.

    Large files and whole environments become links to the originals.
    """
    entries: list[Entry] = []
    total = 0
    for entry in _entries(root, Path()):
        entries.append(entry)
        total += entry[2]
        if len(entries) > MOST_FILES or total > MOST_BYTES:
            return False
    place.mkdir()
    for kind, path, _ in entries:
        _lay(kind, path, root, place)
    return True


def _entries(root: Path, inner: Path) -> Iterator[Entry]:
    """Yield what is in a folder, each folder before what is in it; sockets and the like are left out."""
    try:
        with os.scandir(root / inner) as found:
            entries = sorted(found, key=lambda each: each.name)
    except OSError:  # a folder that cannot be read has no code either
        return
    for each in entries:
        path = inner / each.name
        if each.is_symlink() or each.name in LINKED:
            yield LINK, path, 0
        elif each.is_dir():
            if each.name in SKIPPED:
                continue
            if Path(each.path, "pyvenv.cfg").exists():
                yield LINK, path, 0
                continue
            yield FOLDER, path, 0
            yield from _entries(root, path)
        elif each.is_file():
            size = each.stat().st_size
            yield (COPY, path, size) if size < LARGE else (LINK, path, 0)


def _lay(kind: str, path: Path, root: Path, place: Path) -> None:
    original, new = root / path, place / path
    if kind == FOLDER:
        new.mkdir()
        return
    if kind == COPY:
        try:
            if stat.S_ISREG(original.lstat().st_mode):
                shutil.copy2(original, new)
            return
        except PermissionError:
            new.unlink(missing_ok=True)
        except FileNotFoundError:  # it went meanwhile
            return
    new.symlink_to(_target(original, root))


def _target(original: Path, root: Path) -> str:
    """Return what a link of the snapshot points at: for a link within the folder, the same place of the snapshot."""
    if original.is_symlink():
        pointed = os.path.join(original.parent, original.readlink())  # noqa: PTH118
        if Path(os.path.normpath(pointed)).is_relative_to(root):
            return os.path.relpath(pointed, original.parent)
    return str(original.absolute())
