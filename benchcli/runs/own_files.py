"""Recognise what benchcli wrote: it may replace it, and no working tree becomes another version by it."""

import re
from collections.abc import Iterable
from pathlib import Path

from benchcli import files
from benchcli.beginnings import AUTHOR, CSV, HTML, JSON, JUNIT, TABLE
from benchcli.errors import UserError
from benchcli.files import ENVIRONMENT
from benchcli.formatting import MARK
from benchcli.runs.folder import LOCK
from benchcli.runs.run_folder import MEASUREMENTS

BEGINNING = 4096
"""Bytes at either end of a file by which benchcli knows its own."""
FOOTER = 2**17
"""Bytes at the end of a store's file, within which its footer is."""
FINDINGS = "findings.csv"
FLEET = r'\{\s*"fleet": "[^"]*",\s*"suite": '
OPERATORS = r'\{\s*"operators": \[\s*\{\s*"recipe": \{'
ZIP, WRITER = b"PK\x03\x04", f"/extra/{AUTHOR}PK".encode()
"""How programs of torch.export begin, and what the list of files at the end says of who wrote one."""
_TEXT = re.compile("|".join((HTML, JUNIT, CSV, JSON, re.escape(MARK), re.escape(TABLE))), re.DOTALL)
PNG = b"\x89PNG\r\n\x1a\n"
METADATA = f"<metadata>{AUTHOR}</metadata>".encode()
SOFTWARE = f"tEXtSoftware\0{AUTHOR}".encode()
COMMENT = f"\n%{AUTHOR}\n".encode()
GENERATOR = f'"generator": "{AUTHOR}"'.encode()
PARQUET, STORE = b"PAR1", "benchcli_store"
"""How Parquet files begin and end, and the key of their footer that those of a store have."""
COMPILED = "__pycache__"
"""The folder of what Python compiled, from which no version is run."""


def others(root: Path, untracked: Iterable[str]) -> list[str]:
    """Return those of the untracked paths below `root` that benchcli did not write."""
    return [path for path in untracked if not is_own(root / path)]


def is_own(path: Path) -> bool:
    """Return whether a path is a file that benchcli wrote, or a folder that holds nothing else.

    A link never is, nor is what cannot be read.
    """
    try:
        if path.is_symlink():
            return False
        return _is_own_folder(path) if path.is_dir() else path.is_file() and (_is_data(path) or wrote(path))
    except (OSError, UserError):
        return False


def wrote(path: Path, others: Iterable[str] = ()) -> bool:
    """Return whether a regular file is a report or a picture of benchcli, which it may replace.

    `others` are regular expressions for further beginnings. Raises UserError if it cannot be read.
    """
    first, last = files.ends(path, BEGINNING)
    text = first.decode("utf-8", "replace")
    if _TEXT.match(text) or any(re.match(each, text, re.DOTALL) for each in others):
        return True
    if first.startswith(b"%PDF-"):
        return last.endswith(COMMENT)
    marks = ((b"<svg", METADATA), (PNG, SOFTWARE), (b"{", GENERATOR))
    return any(first.startswith(beginning) and mark in first for beginning, mark in marks)


def _is_data(path: Path) -> bool:
    """Return whether a regular file is one that nothing replaces: of a store or a fleet, a program, operators."""
    first, last = files.ends(path, FOOTER)
    if first.startswith(ZIP):
        return WRITER in last
    if first.startswith(PARQUET) and last.endswith(PARQUET):
        size = int.from_bytes(last[-8:-4], "little")
        return STORE.encode() in last[-8 - size : -8]
    return re.match(f"{FLEET}|{OPERATORS}", first.decode("utf-8", "replace")) is not None


def _is_own_folder(path: Path) -> bool:
    if path.name == COMPILED:
        return True
    if (path / ENVIRONMENT).is_file() and any((path / name).is_file() for name in (MEASUREMENTS, FINDINGS)):
        return True
    entries = [each for each in path.iterdir() if each.name != LOCK]
    return bool(entries) and all(map(is_own, entries))
