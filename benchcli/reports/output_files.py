"""Write results to files that a user names, and replace only files that benchcli wrote."""

from pathlib import Path

from benchcli import files
from benchcli.errors import UserError
from benchcli.reports.formats.base import FORMATS
from benchcli.runs import own_files
from benchcli.spelling import given


def writable(value: object, force: bool = False) -> Path:
    """Check that a result can be written to this path, and return it; the file is left as it is.

    Raises UserError if it is no path, if nothing can be written there, or if a file is there that
    benchcli did not write. With `force` such a file is replaced too, but no link and no table of a run.
    """
    path = files.writable(value)
    if not force and files.is_file(path) and not _is_own(path):
        raise UserError(f"{path} is there, and benchcli did not write it: name another file, or add {given('force')}")
    return path


def write(value: object, content: str | bytes, force: bool = False) -> None:
    """Write a file completely, or leave what is there. Raises UserError as `writable` does."""
    files.replace(writable(value, force), content)


def _is_own(path: Path) -> bool:
    """Return whether a file is one that benchcli wrote, in any format."""
    return own_files.wrote(path, filter(None, (each.starts for each in FORMATS)))
