"""Keep the measured roofs of machines in the user's cache folder."""

import json
import tempfile
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from benchcli import files
from benchcli.sampling import artifact_cache
from benchcli.schema import Target
from benchcli.schema.environment import Machine
from benchcli.schema.roofs import Roofs
from benchcli.schema.structure import structure
from benchcli.settings import DTYPES, OF_ROOFS
from benchcli.system import machine


def of_roofs(target: Target) -> Target:
    """Return the target on which the roofs of another one are measured."""
    return Target(**_settings_of(target))


def digest_of(here: Machine, software: Mapping[str, str | None], device: Mapping[str, object], target: Target) -> str:
    """Return the digest of what roofs depend on: the machine, the device, torch's version and the target's settings."""
    return machine.digest(here, {"torch": software.get("torch"), "dtypes": DTYPES}, device, _settings_of(target))


def fetch(digest: str) -> Roofs | None:
    """Return the roofs that were kept; None if there are none. What is damaged, or of others, is no roof."""
    with tempfile.TemporaryDirectory(prefix="benchcli-") as folder:
        copy = Path(folder) / "roofs"
        if artifact_cache.fetch(artifact_cache.cache_folder(), _key(digest), copy) is None:
            return None
        try:
            found = structure(json.loads(copy.read_text(encoding="utf-8")), Roofs)
        except (OSError, ValueError, RecursionError):
            return None
    return found if found.digest == digest else None


def keep(roofs: Roofs, seconds: float) -> None:
    """Keep roofs, which took so long to measure, in the place of earlier ones."""
    folder, key = artifact_cache.cache_folder(), _key(roofs.digest)
    with tempfile.TemporaryDirectory(prefix="benchcli-") as scratch:
        draft = Path(scratch) / "roofs"
        files.create(draft, json.dumps(asdict(roofs)))
        artifact_cache.forget(folder, key)
        artifact_cache.keep(folder, key, draft, seconds)


def _settings_of(target: Target) -> dict[str, Any]:
    return {each.name: getattr(target, each.name) for each in OF_ROOFS}


def _key(digest: str) -> str:
    return f"roofs-{digest}"
