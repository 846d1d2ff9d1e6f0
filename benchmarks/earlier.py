"""Lay out an earlier commit of benchcli, and run it and this one alike."""

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).parents[1]
Done = subprocess.CompletedProcess[str]


def lay_out(commit: str, folder: Path) -> Path:
    """Write the files of a commit into a new folder, and return it."""
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", commit], check=True, capture_output=True)
    folder.mkdir()
    subprocess.run(["tar", "-x", "-C", str(folder)], input=archive.stdout, check=True)
    return folder


def python(
    package: Path, arguments: Sequence[str], place: Path, **variables: str
) -> "subprocess.CompletedProcess[str]":
    """Run Python with the benchcli of a folder, in a working folder and with these variables."""
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=place,
        env={**os.environ, "PYTHONPATH": str(package), **variables},
        capture_output=True,
        text=True,
        check=False,
    )
