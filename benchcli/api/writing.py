"""Write files whole or not at all."""

import contextlib
import secrets
from pathlib import Path

from benchcli import validation
from benchcli.errors import UserError
from benchcli.files import is_file
from benchcli.runs.folder import ENVIRONMENT

CODE = (".py", ".toml", ".ipynb", ".so", ".sh", ".cfg", ".yml", ".yaml", ".pt", ".pth", ".c", ".cpp", ".cu")
"""The ends of the names of files that no report replaces."""
OF_A_RUN = (".csv", ".json")
"""The ends of the names of a run's own files, which no report in its folder replaces."""


def target(path: object) -> Path:
    """Return a file's path. Raises UserError if it names none, or if the file cannot be written."""
    found = validation.path("a file", path)
    check_writable(found)
    return found


def check_writable(path: Path) -> None:
    """Raise UserError if a file cannot be written. An existing file is left as it is."""
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder: name a file in it")
        if path.exists() and not path.is_file():  # a pipe or a device: opening it may wait for ever
            raise UserError(f"{path} is not a regular file: name one")
        if path.suffix.lower() in CODE and path.exists():
            raise UserError(f"{path} is there, and its name is that of code or settings: name another file")
        if path.suffix in OF_A_RUN and path.exists() and is_file(path.parent / ENVIRONMENT):
            raise UserError(f"{path} is a file of the run or check in its folder: name another one")
        if not path.absolute().parent.is_dir():
            raise UserError(f"{path} cannot be written: name one in a folder that is there")
        draft = _draft(path)
        draft.touch(exist_ok=False)
        draft.unlink()
    except (OSError, ValueError) as error:  # ValueError: a path with a null character
        raise UserError(f"{path} cannot be written: {getattr(error, 'strerror', None) or error}") from None


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace a file, whole or not at all. Raises UserError if it cannot be written."""
    check_writable(path)
    whole = path.resolve() if path.is_symlink() else path
    draft = _draft(whole)
    try:
        draft.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
        draft.replace(whole)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _draft(path: Path) -> Path:
    """Return a name beside a file that no other file has."""
    return path.with_name(f".{path.name[:200]}.{secrets.token_hex(4)}.part")
