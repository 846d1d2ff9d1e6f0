"""Ask an interpreter whether it can run workers, before one is started in it."""

import json
import subprocess
from dataclasses import dataclass

from benchcli.errors import UserError

NEEDED = ("torch", "fvcore", "psutil")
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
    """What an interpreter says of itself."""

    path: str
    benchcli: str | None
    """The version of benchcli that is installed there, which is not used."""


def ask(path: str) -> Interpreter:
    """Return what an interpreter says of itself. Raises UserError where workers cannot run in it."""
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
        found, wanted = ".".join(map(str, version)), ".".join(map(str, OLDEST))
        raise UserError(f"{path} is Python {found}: workers need {wanted} or newer")
    if missing:
        raise UserError(f"{path} lacks {' and '.join(missing)}: {path} -m pip install {' '.join(missing)}")
    return Interpreter(path, answer["benchcli"])
