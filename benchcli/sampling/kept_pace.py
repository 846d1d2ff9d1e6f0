"""The usual pace of the core in the last runs on a machine, kept in the user's cache folder.

A run knows its own usual pace only. A neighbour that stays for the whole of it takes a third of the core
from every sample, and nothing in the run tells. The runs before it do.
"""

import hashlib
import json
from contextlib import suppress
from pathlib import Path

from benchcli import files
from benchcli.errors import UserError
from benchcli.sampling.artifact_cache import cache_folder
from benchcli.schema.environment import Environment

WORK = "logistic"
"""The piece of work whose seconds a pace is: those of another one compare with nothing."""
RUNS = 20
"""The runs that are remembered: a machine whose clock was lowered for good is slow for so many of them."""


def of_earlier_runs(environment: Environment) -> float | None:
    """Return the fastest usual pace of the last runs on such a machine, in seconds; None if none is known."""
    return min(_paces(_file(environment)), default=None)


def keep(environment: Environment, usual_s: float | None) -> None:
    """Remember the usual pace of a run. A folder that cannot be written only loses it."""
    file = _file(environment)
    if file is None or usual_s is None:
        return
    with suppress(OSError, UserError):
        file.parent.mkdir(parents=True, exist_ok=True)
        files.replace(file, json.dumps([*_paces(file), usual_s][-RUNS:]))


def _paces(file: Path | None) -> list[float]:
    """Return what was remembered, the newest last; what is damaged is nothing."""
    if file is None:
        return []
    try:
        found = json.loads(files.read_text(file))
    except (OSError, UserError, ValueError, RecursionError):
        return []
    return [each for each in found if isinstance(each, float) and each > 0] if isinstance(found, list) else []


def _file(environment: Environment) -> Path | None:
    """Return the file of all runs on one kind of processor with one torch, whose arithmetic is the piece of work."""
    folder, here = cache_folder(), environment.machine
    if not folder or here is None:
        return None
    of = json.dumps([WORK, here.host, here.cpu, here.cores, environment.software.get("torch")])
    return Path(folder) / "pace" / f"{hashlib.sha256(of.encode()).hexdigest()[:12]}.json"
