"""Note which files a worker reads: the code and the data of the networks, whichever way they come to them.

Two uses: a run says when one of them changed meanwhile, and a check when one version reads what belongs to the
other. Python reports what it opens by audit events. Libraries in other languages open files unseen; `torch.load` and
numpy do not.
"""

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from importlib.util import source_from_cache
from pathlib import Path
from typing import Any

import benchcli
from benchcli.schema import Source
from benchcli.schema.protocol import CHANGED

CODE = (".py", ".pyc", ".so", ".pyd", ".pt", ".pth")
"""The ends of the names of files that hold code or networks."""
LARGE = 64 * 2**20
"""Bytes beyond which a file's size and time stand for its content."""
_INSTALLED = tuple(
    os.path.realpath(place)
    for place in (sys.prefix, sys.base_prefix, os.path.dirname(benchcli.__file__))  # noqa: PTH120
)
_SYSTEM = ("/proc", "/sys", "/dev", "/usr", "/lib", "/lib64", "/etc")
_PACKAGES = {"site-packages", "dist-packages", ".cache", ".git"}

Seen = tuple[int, int, int]
"""A file's inode, size and time of modification in ns."""


@dataclass
class _Notes:
    """What this process has read."""

    version: Source | None = None
    """The version whose code runs."""
    raw: set[tuple[str, str]] = field(default_factory=set)
    """The paths as they were given, each with the folder of the version that runs."""
    read: dict[str, Seen] = field(default_factory=dict)
    """Files by their real path, as they were when they were first read."""
    written: set[str] = field(default_factory=set)
    of_others: dict[str, str] = field(default_factory=dict)
    """Version folder to the file of the other version that it read first."""


_active: list[_Notes] = []
"""Those that are made; empty or one item."""


@contextmanager
def noting() -> Iterator[None]:
    """Note the files that are opened during the block."""
    _active[:] = [_Notes()]
    _install()
    try:
        yield
    finally:
        _active.clear()


def turn_to(version: Source | None) -> None:
    """Take what is read from now on for read by this version; None: by none."""
    for notes in _active:
        notes.version = version


def of_other_version(version: Source | None) -> str | None:
    """Return a file of the other version that this one has read; None if there is none."""
    return next(
        (notes.of_others[version.folder] for notes in _active if version and version.folder in notes.of_others), None
    )


def hashes() -> dict[str, str]:
    """Return the hash of each of the user's files that was read and not written, by its path."""
    return {
        path: _hash_of(path, seen)
        for notes in list(_active)
        for path, seen in list(notes.read.items())
        if path not in notes.written
    }


def _hash_of(path: str, seen: Seen) -> str:
    """Return a file's SHA-256, CHANGED if it is not what it was when it was read, or what stands for a large one."""
    try:
        if _seen(path) != seen:
            return CHANGED
        if seen[1] > LARGE:
            return ":".join(map(str, seen))
        with open(path, "rb") as file:  # noqa: PTH123
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError:
        return CHANGED


def _seen(path: str) -> Seen:
    status = os.stat(path)  # noqa: PTH116
    return status.st_ino, status.st_size, status.st_mtime_ns


def _note(event: str, arguments: tuple[Any, ...]) -> None:
    """Note an opened file. This is an audit hook: Python calls it on many events, and what it raises ends them."""
    if event != "open" or not _active:
        return
    notes, (path, _, flags) = _active[0], arguments
    if isinstance(path, bytes):
        path = os.fsdecode(path)
    if not isinstance(path, str) or not isinstance(flags, int):
        return
    key = (path, notes.version.folder if notes.version else "")
    writes = flags & os.O_ACCMODE != os.O_RDONLY
    if key in notes.raw and not writes:
        return
    notes.raw.add(key)
    try:
        _note_file(notes, os.path.realpath(path), writes)
    except (OSError, ValueError):  # it is not there, or no path: opening it says so
        return


def _note_file(notes: _Notes, path: str, writes: bool) -> None:
    version = notes.version
    if path.endswith(".pyc"):
        path = _source_of(path)
    if writes:
        notes.written.add(path)
    elif _is_users(path, version) and os.path.isfile(path):  # noqa: PTH113
        notes.read.setdefault(path, _seen(path))
        if version and _is_others(path, version):
            notes.of_others.setdefault(version.folder, path)


def _source_of(compiled: str) -> str:
    """Return the source of a compiled file, which can be compiled anew without having changed."""
    try:
        source = source_from_cache(compiled)
    except ValueError:  # it stands alone
        return compiled
    return source if os.path.exists(source) else compiled  # noqa: PTH110


def _is_users(path: str, version: Source | None) -> bool:
    """Return whether a file is neither installed, nor the system's, nor a temporary one outside of a version.

    The innermost of these folders decides: an environment may lie in a version, and a version among temporary files.
    """
    if not _PACKAGES.isdisjoint(Path(path).parts):
        return False
    own = tuple(map(resolved, (version.folder, *version.own, *version.trees))) if version else ()
    others = (*_INSTALLED, *_SYSTEM, resolved(tempfile.gettempdir()))
    innermost = max((each for each in (*others, *own) if is_within(path, each)), key=len, default=None)
    return innermost is None or innermost in own


def _is_others(path: str, version: Source) -> bool:
    """Return whether a file is of the other version: code, or data of which this version has its own.

    What only the other tree has, such as weights that git ignores, is data that both share.
    """
    tree = tree_of_other(path, version)
    if tree is None:
        return False
    own = os.path.join(version.own[0] if version.own else version.folder, os.path.relpath(path, tree))  # noqa: PTH118
    return path.endswith(CODE) or os.path.exists(own)  # noqa: PTH110


def tree_of_other(path: str, version: Source) -> str | None:
    """Return the folder of the other version that holds a path, if no folder of this one inside it does."""
    own = map(resolved, (version.folder, *version.own))
    innermost = max((each for each in (*version.trees, *own) if is_within(path, each)), key=len, default=None)
    return innermost if innermost in version.trees else None


@cache
def resolved(place: str) -> str:
    """Return a path with symbolic links resolved. Cached: there are thousands of modules."""
    return os.path.realpath(place)


def is_within(place: str, folder: str) -> bool:
    """Return whether `place` is the folder or a path inside it."""
    return place == folder or place.startswith(folder.rstrip(os.sep) + os.sep)


@cache
def _install() -> None:
    sys.addaudithook(_note)  # it cannot be removed, so it is added once
