"""Keep the files that runtimes prepare in a folder of the user's, for later runs."""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path

from benchcli import files
from benchcli.errors import UserError
from benchcli.schema.observations import Count, Duration
from benchcli.schema.protocol import ArtifactFacts
from benchcli.schema.structure import StructureError, structure

FOLDER = "BENCHCLI_CACHE"
"""The variable with the user's own folder of the cache; if it is empty, nothing is kept."""
MOST_BYTES = 4 * 2**30
"""The most bytes that are kept; what was not used for the longest time is deleted first."""
CONTENT, FACTS = "artifact", "facts.json"


@dataclass(frozen=True)
class Kept:
    """What is known of a file that was kept."""

    seconds: Duration
    """What preparing it took."""
    size: Count
    """Bytes."""
    sha256: str
    facts: ArtifactFacts = field(default_factory=ArtifactFacts)


def cache_folder() -> str:
    """Return the user's folder of the cache; empty for none."""
    given = os.environ.get(FOLDER)
    if given is not None:
        return given
    home = os.environ.get("XDG_CACHE_HOME")
    try:
        return str((Path(home) if home else Path.home() / ".cache") / "benchcli" / "artifacts")
    except RuntimeError:  # no home
        return ""


def size_of(artifact: Path) -> int:
    """Return the bytes of a file, or of the files in a folder."""
    return sum(each.stat().st_size for each in _files(artifact))


def fetch(folder: str, key: str, artifact: Path) -> Kept | None:
    """Copy what was kept under a key to `artifact`; None if nothing was. What is damaged is deleted."""
    entry = Path(folder) / key
    if not folder or not entry.is_dir():
        return None
    try:
        kept = structure(json.loads((entry / FACTS).read_text(encoding="utf-8")), Kept)
        _copy(entry / CONTENT, artifact)
        if _hash_of(artifact) == kept.sha256:
            os.utime(entry)
            return kept
    except (OSError, ValueError, StructureError):  # killed while it was written, or changed since
        pass
    shutil.rmtree(entry, ignore_errors=True)
    _remove(artifact)
    return None


def keep(folder: str, key: str, artifact: Path, seconds: float, known: ArtifactFacts | None = None) -> None:
    """Keep a copy of `artifact` under a key. A folder that cannot be written only costs time."""
    if not folder:
        return
    draft = Path(folder) / f".{secrets.token_hex(8)}"
    try:
        draft.mkdir(parents=True)
        _copy(artifact, draft / CONTENT)
        facts = Kept(seconds, size_of(artifact), _hash_of(artifact), known or ArtifactFacts())
        files.create(draft / FACTS, json.dumps(asdict(facts)))
        draft.rename(Path(folder) / key)  # at once, so that no other process sees half of it
        _forget_oldest(Path(folder))
    except (OSError, UserError):  # no room, not allowed, or another process kept it first
        shutil.rmtree(draft, ignore_errors=True)


def forget(folder: str, key: str) -> None:
    """Delete what was kept under a key, if anything was."""
    if folder:
        shutil.rmtree(Path(folder) / key, ignore_errors=True)


def _forget_oldest(folder: Path) -> None:
    """Delete the entries that were not used for the longest time until the rest is small enough."""
    entries = [(each.stat().st_mtime, size_of(each), each) for each in folder.iterdir()]
    excess = sum(size for _, size, _ in entries) - MOST_BYTES
    for _, size, entry in sorted(entries):
        if excess <= 0:
            return
        shutil.rmtree(entry, ignore_errors=True)
        excess -= size


def _files(artifact: Path) -> Iterator[Path]:
    yield from sorted(each for each in artifact.rglob("*") if each.is_file()) if artifact.is_dir() else [artifact]


def _hash_of(artifact: Path) -> str:
    found = hashlib.sha256()
    for each in _files(artifact):
        found.update(str(each.relative_to(artifact)).encode() + b"\0")
        with each.open("rb") as stream:
            while block := stream.read(2**20):
                found.update(block)
    return found.hexdigest()


def _copy(artifact: Path, to: Path) -> None:
    if artifact.is_dir():
        shutil.copytree(artifact, to)
    else:
        shutil.copyfile(artifact, to)


def _remove(artifact: Path) -> None:
    shutil.rmtree(artifact, ignore_errors=True)
    with contextlib.suppress(OSError):
        artifact.unlink()
