"""Check whether a Python interpreter can run workers."""

import json
import subprocess
from dataclasses import dataclass

from benchcli.errors import UserError

NEEDED = ("torch", "psutil")
"""What workers import. fvcore is for `benchcli costs`, which runs under this interpreter."""
OLDEST = (3, 11)
PATIENCE_S = 60.0
_PROGRAM = f"""
import sys
sys.path[:] = [entry for entry in sys.path if entry]  # not the current folder
import importlib.util, importlib.metadata, json
def version(name):
    try:
        return importlib.metadata.version(name)
    except importlib.metadata.PackageNotFoundError:
        return None
missing = [name for name in {NEEDED!r} if importlib.util.find_spec(name) is None]
print(json.dumps(dict(version=sys.version_info[:3], missing=missing, benchcli=version("benchcli"))))
"""


@dataclass(frozen=True)
class Interpreter:
    """An interpreter that can run workers."""

    path: str
    benchcli: str | None
    """The version of benchcli that is installed there; workers do not use it."""


def ask(path: str) -> Interpreter:
    """Return the description of an interpreter. Raises UserError if it cannot run workers."""
    try:
        done = subprocess.run(
            [path, "-c", _PROGRAM],
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
            check=False,
        )
        answer = json.loads(done.stdout)
        version, missing = tuple(answer["version"]), answer["missing"]
    except (OSError, subprocess.SubprocessError, ValueError, KeyError, TypeError):
        raise UserError(f"{path} is no Python that answers: give the path of an interpreter") from None
    if version < OLDEST:
        actual, oldest = ".".join(map(str, version)), ".".join(map(str, OLDEST))
        raise UserError(f"{path} is Python {actual}: workers need {oldest} or newer")
    if missing:
        raise UserError(f"{path} lacks {' and '.join(missing)}: {path} -m pip install {' '.join(missing)}")
    return Interpreter(path, answer["benchcli"])
