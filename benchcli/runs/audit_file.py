"""Keep what an audit saw of a network beside its run: the operator calls, and the roofs of the machine."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Final

from benchcli import files
from benchcli.errors import UserError
from benchcli.runs.folder import Folder
from benchcli.schema import OperatorCall
from benchcli.schema.observations import Seconds
from benchcli.schema.roofs import Roofs
from benchcli.schema.structure import StructureError, structure

FILE: Final = "audit.json"
TRIALS: Final = "what-if"
"""The folder, in that of the network's run, with the run of the rebuilt layers."""
VERSION = 1


@dataclass(frozen=True)
class AuditedCalls:
    """What an audit knows of a network besides its run."""

    calls: tuple[OperatorCall, ...]
    """In dispatched order."""
    uncalled: tuple[str, ...] = ()
    """The paths of modules whose `forward` ran without a call of them."""
    roofs: Roofs | None = None
    branching: tuple[str, ...] = ()
    """The paths of modules whose code reads values of tensors, as a branch does."""
    made: Mapping[str, tuple[str, int]] = field(default_factory=dict)
    """Of modules by path: the file and the line of the user's code that make them."""
    seconds: tuple[Seconds, ...] = ()
    """Of each operator call while operators are watched; empty if they were not timed."""
    version: int = VERSION
    """Of this file's format."""


def put(folder: Path, audited: AuditedCalls) -> None:
    """Write the file into the folder of the network's run."""
    Folder(folder).replace(FILE, json.dumps(asdict(audited)) + "\n")


def is_audit(folder: Path) -> bool:
    """Return whether a folder holds an audit."""
    return files.is_file(folder / FILE)


def audited_in(folder: Path) -> AuditedCalls:
    """Return what an audit's folder says. Raises UserError if its file is damaged, or of another version."""
    path = folder / FILE
    try:
        found = structure(json.loads(files.read_text(path)), AuditedCalls)
    except (ValueError, RecursionError, StructureError) as error:
        raise UserError(f"{path} cannot be read: {error}: the file is damaged, audit the network again") from None
    if found.version != VERSION:
        raise UserError(f"{path} is of another version of benchcli: audit the network again")
    return found
