"""Recognise files and folders that benchcli wrote, which do not make a working tree another version."""

import re
from collections.abc import Iterable
from pathlib import Path

from benchcli.files import ENVIRONMENT
from benchcli.formatting import MARK
from benchcli.runs.run_folder import MEASUREMENTS

BEGINNING = 4096
"""How many characters of a file are looked at."""
FINDINGS = "findings.csv"
OWN_TEXT = re.compile(
    r"\s*<!doctype html>[^<]*<html[^>]*>.*<title>benchcli: "
    r"|<\?xml [^>]*>\s*<testsuites>\s*<testsuite name=\"benchcli check "
    r"|\{\s*\"environment\": \{\s*\"schema\": "
    r"|family,variant,subject,outcome,fails,"
    rf"|{re.escape(MARK)}",
    re.IGNORECASE | re.DOTALL,
)
"""How reports and what `--write` writes begin: HTML, JUnit, JSON, CSV, GitHub's commands, Markdown."""


def others(root: Path, untracked: Iterable[str]) -> list[str]:
    """Return those of the untracked paths below `root` that benchcli did not write."""
    return [path for path in untracked if not is_own(root / path)]


def is_own(path: Path) -> bool:
    """Return whether a path is a report or results of benchcli, or a folder that holds nothing else.

    A link never is, nor is what cannot be read.
    """
    try:
        if path.is_symlink():
            return False
        if path.is_dir():
            return _is_own_folder(path)
        return path.is_file() and OWN_TEXT.match(_beginning(path)) is not None
    except OSError:
        return False


def _is_own_folder(path: Path) -> bool:
    if (path / ENVIRONMENT).is_file() and any((path / name).is_file() for name in (MEASUREMENTS, FINDINGS)):
        return True
    entries = list(path.iterdir())
    return bool(entries) and all(map(is_own, entries))


def _beginning(path: Path) -> str:
    with path.open(encoding="utf-8", errors="replace") as stream:
        return stream.read(BEGINNING)
