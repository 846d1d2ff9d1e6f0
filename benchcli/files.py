"""Look at and read files that a user names. Whatever is wrong with a path is a UserError of one line."""

import errno
import os
import stat
from pathlib import Path

from benchcli.errors import UserError

MOST_BYTES = 2**30
"""The largest file that is read."""
NO_NAMES = (21, 123, 1921)
"""Windows' errors for names that no file can have, such as patterns."""
NOT_THERE = (errno.ENOENT, errno.ENOTDIR)


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


def read_text(path: Path, encoding: str = "utf-8", errors: str = "strict") -> str:
    """Return the text of a regular file.

    Raises UserError if it cannot be read: reading a pipe or a device might never end.
    """
    if not is_file(path):
        what = "is not there" if mode_of(path) is None else "is not a regular file"
        raise UserError(f"{_short(path)} {what}")
    try:
        if path.stat().st_size > MOST_BYTES:
            raise UserError(f"{_short(path)} is larger than {MOST_BYTES / 2**30:.0f} GiB")
        return path.read_bytes().decode(encoding, errors)
    except UnicodeDecodeError as error:
        raise UserError(f"{_short(path)} is not UTF-8 at byte {error.start}") from None
    except OSError as error:
        raise UserError(f"{_short(path)} cannot be read: {error.strerror}") from None


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
