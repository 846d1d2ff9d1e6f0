"""Write files whole or not at all."""

import contextlib
from pathlib import Path

from benchcli.errors import UserError

CODE = (".py", ".toml", ".ipynb", ".so", ".sh", ".cfg", ".yml", ".yaml", ".pt", ".pth", ".c", ".cpp", ".cu")
"""The ends of the names of files that no report replaces."""


def check_writable(path: Path) -> None:
    """Raise UserError if a file cannot be written. An existing file is left as it is."""
    try:
        if path.is_dir():
            raise UserError(f"{path} is a folder: name a file in it")
        if path.exists() and not path.is_file():  # a pipe or a device: opening it may wait for ever
            raise UserError(f"{path} is not a regular file: name one")
        if path.suffix in CODE and path.exists():
            raise UserError(f"{path} is there, and its name is that of code or settings: name another file")
        if not path.absolute().parent.is_dir():
            raise UserError(f"{path} cannot be written: name one in a folder that is there")
        draft = _draft(path)
        draft.touch()
        draft.unlink()
    except OSError as error:
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def write_whole(path: Path, content: str | bytes) -> None:
    """Replace a file, whole or not at all. Raises UserError if it cannot be written."""
    draft = _draft(path)
    try:
        draft.write_bytes(content if isinstance(content, bytes) else content.encode("utf-8", "backslashreplace"))
        draft.replace(path)
    except OSError as error:
        with contextlib.suppress(OSError):
            draft.unlink(missing_ok=True)
        raise UserError(f"{path} cannot be written: {error.strerror}") from None


def _draft(path: Path) -> Path:
    return path.with_name(f".{path.name[:200]}.part")
