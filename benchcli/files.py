"""Look at, read and write files that a user names. Whatever is wrong with a path is a UserError of one line."""

import contextlib
import errno
import os
import secrets
import stat
from functools import reduce
from operator import or_
from pathlib import Path
from typing import BinaryIO

from benchcli.errors import UserError

MOST_BYTES = 2**26
"""The largest file that is read, and the largest table that is written: reading one takes some ten seconds."""
NO_NAMES = (21, 123, 1921)
"""Windows' errors for names that no file can have, such as patterns."""
NOT_THERE = (errno.ENOENT, errno.ENOTDIR)
_FLAGS = ("O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_CLOEXEC", "O_BINARY")
_SAFELY = reduce(or_, (getattr(os, name, 0) for name in _FLAGS), os.O_WRONLY)
"""To open what is written: no link is followed and no pipe is waited for, on systems that can say so."""
ENVIRONMENT = "environment.json"
"""The file that every folder of a run or a check has."""
OF_A_RUN = (".csv", ".json")
"""The ends of the names of a run's own files, which no report in its folder replaces."""


def mode_of(path: Path, follow: bool = True) -> int | None:
    """Return the mode of what is at a path; None if nothing is there.

    Without `follow` a symbolic link is looked at itself. Raises UserError if the path cannot be
    looked at: a name is too long, links go in a circle, a folder on the way is closed.
    """
    try:
        return (path.stat() if follow else path.lstat()).st_mode
    except OSError as error:
        if error.errno in NOT_THERE or getattr(error, "winerror", None) in NO_NAMES:
            return None
        raise UserError(f"{_short(path)}: {error.strerror}: give another path") from None
    except ValueError as error:  # a NUL
        raise UserError(f"{_short(path)}: {error}: give another path") from None


def is_folder(path: Path) -> bool:
    """Return whether a folder is at the path. Raises UserError if the path cannot be looked at."""
    mode = mode_of(path)
    return mode is not None and stat.S_ISDIR(mode)


def is_file(path: Path) -> bool:
    """Return whether a regular file is at the path. Raises UserError as `is_folder` does."""
    mode = mode_of(path)
    return mode is not None and stat.S_ISREG(mode)


def refuse_special(path: Path) -> None:
    """Raise UserError if something that is no regular file is at the path, a link to one included."""
    mode = mode_of(path, follow=False)
    if mode is not None and not stat.S_ISREG(mode):
        raise UserError(f"{_short(path)} is not a regular file: remove it")


def refuse_shared(path: Path) -> None:
    """Raise UserError as `refuse_special` does, and if the file at the path has other names (hard links)."""
    refuse_special(path)
    if mode_of(path, follow=False) is not None and path.lstat().st_nlink > 1:
        raise UserError(f"{_short(path)} is a hard link, and writing would change other files: remove it")


def read_text(path: Path, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Return the text of a regular file.

    Raises UserError if it cannot be read: reading a pipe or a device might never end.
    """
    if not is_file(path):
        what = "is not there" if mode_of(path) is None else "is not a regular file"
        raise UserError(f"{_short(path)} {what}")
    try:
        if path.stat().st_size > MOST_BYTES:
            most = f"{MOST_BYTES / 2**20:.0f} MiB, the most that is read"
            raise UserError(f"{_short(path)} is larger than {most}: split it, or record it again")
        return path.read_bytes().decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise UserError(f"{_short(path)} is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise UserError(f"{_short(path)} cannot be read: {error.strerror}") from None


def ends(path: Path, size: int) -> tuple[bytes, bytes]:
    """Return the first and the last bytes of a file. Raises UserError if it cannot be read."""
    try:
        with path.open("rb") as stream:
            first = stream.read(size)
            stream.seek(max(0, stream.seek(0, os.SEEK_END) - size))
            return first, stream.read(size)
    except OSError as error:
        raise UserError(f"{_short(path)} cannot be read: {error.strerror}") from None


def path_of(what: str, value: object) -> Path:
    """Return the path that `value` is or names. Raises UserError if it is none."""
    if isinstance(value, Path):
        return value
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{what} must be a text, not {value!r}")
    return Path(value)


def writable(value: object) -> Path:
    """Check that a report can be written to this path, and return it; the file is left as it is.

    Raises UserError if it is no path, or if a report cannot be written there, or must not.
    """
    path = path_of("a file", value)
    try:
        if path.is_symlink():
            raise UserError(f"{path} is a link: name the file itself")
        if path.is_dir():
            raise UserError(f"{path} is a folder: name a file in it")
        if path.exists() and not path.is_file():  # a pipe or a device: opening it may wait for ever
            raise UserError(f"{path} is not a regular file: name one")
        if path.suffix in OF_A_RUN and path.exists() and is_file(path.parent / ENVIRONMENT):
            raise UserError(f"{path} is a file of the run or check in its folder: name another one")
        if not path.absolute().parent.is_dir():
            raise UserError(f"{path} cannot be written: name one in a folder that is there")
        draft = _draft(path)
        create(draft, b"")
        draft.unlink()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise UserError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None
    return path


def new(value: object, ending: str, reason: str) -> Path:
    """Return the path of a file that is to be made, whose name has an ending, for a reason that errors give.

    Raises UserError if it has another ending, is there, or cannot be written.
    """
    path = path_of("a file", value)
    if path.suffix != ending:
        raise UserError(f"{path} does not end in {ending}, {reason}: name it {path.stem}{ending}")
    if mode_of(path, follow=False) is not None:
        raise UserError(f"{path} is there: remove it, or name another file")
    return writable(path)


def create(path: Path, content: str | bytes) -> None:
    """Write a new file. Raises FileExistsError if anything is at the path, a link included."""
    descriptor = os.open(path, _SAFELY | os.O_CREAT | os.O_EXCL, 0o666)
    try:
        _write(descriptor, content)
    finally:
        os.close(descriptor)


def append(path: Path, content: str | bytes) -> None:
    """Append to a file that is there: all or, on an error such as a full disk, nothing.

    Raises UserError if it is no regular file or has other names, and OSError if it cannot be written.
    """
    refuse_shared(path)
    descriptor = os.open(path, _SAFELY | os.O_APPEND)  # between the two calls a link may have come: it fails
    try:
        before = os.fstat(descriptor)
        if not stat.S_ISREG(before.st_mode):
            raise UserError(f"{_short(path)} is not a regular file: remove it")
        try:
            _write(descriptor, content)
            os.fsync(descriptor)
        except OSError:
            os.ftruncate(descriptor, before.st_size)
            raise
    finally:
        os.close(descriptor)


def emptied(path: Path) -> BinaryIO:
    """Open a file for what a process prints, new or emptied. Raises UserError if it is no regular file, and OSError."""
    refuse_shared(path)
    return os.fdopen(os.open(path, _SAFELY | os.O_CREAT | os.O_TRUNC, 0o666), "wb")


def replace(path: Path, content: str | bytes) -> None:
    """Write a file so that it has all of the content or is as it was before.

    Raises UserError if that fails, or if something that is no regular file is at the path.
    """
    refuse_special(path)
    draft = _draft(path)
    try:
        create(draft, content)
        draft.replace(path)
    except FileExistsError:  # somebody else's
        raise UserError(f"{_short(path)} cannot be written: {draft.name} is in the way: remove it") from None
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UserError(f"{_short(path)} cannot be written: {error.strerror}") from None


def _write(descriptor: int, content: str | bytes) -> None:
    # JSON's own escape of a letter that is not UTF-8.
    data = content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace")
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(descriptor, rest) :]


def _draft(path: Path) -> Path:
    """Return a name beside a file that nobody can foresee."""
    return path.with_name(f".benchcli-{secrets.token_hex(8)}.part")


def expanded(text: str) -> Path:
    """Return the path that a text names, `~` included. Raises UserError for an unknown user's `~`."""
    try:
        return Path(text).expanduser()
    except RuntimeError:
        raise UserError(f"{text}: there is no such user: write ./{text} if that is the name of a file") from None


def here() -> Path:
    """Return the working folder. Raises UserError if it is not there any more."""
    try:
        return Path.cwd()
    except OSError:
        raise UserError("the working folder is not there any more: change to another one") from None


def _short(path: Path) -> str:
    """Return a path for a message; its end if it is long."""
    text = os.fspath(path)
    shown = text if text.isprintable() else repr(text)
    return shown if len(shown) <= 200 else f"…{shown[-100:]}"
