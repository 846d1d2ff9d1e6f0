"""What workers on the simulated device said, kept for the tests and test processes that ask the same again.

A launch on that device depends on its task and on the code alone. Its events are kept in pytest's
cache under a hash of both, so that a change of the code that measures makes every launch run anew,
and a change of a report makes none. Tests of what a launch does besides use the fixture `measured_anew`.
"""

import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from functools import cache
from importlib.metadata import version
from pathlib import Path

from benchcli.schema import LIVE, Source, Variant
from benchcli.schema.protocol import Task, encode

ROOT = Path(__file__).parent.parent
READERS = ("analysis", "api", "checks", "cli", "data", "reports", "runs")
"""Packages that no launch depends on."""
RESULTS = {".csv", ".html", ".json", ".lock", ".md", ".xml"}
"""The ends of the names of files that benchcli itself writes."""
PLACE = re.compile(r"/[^\"\s]*/(?:pytest-of-[^/\"]+/pytest-\d+/(?:popen-gw\d+/)?[^/\"\s]+|benchcli-\w{8}(?=/))")
"""A test's temporary folder, or the one in which a check lays out versions."""


class KeptEvents:
    """Events by key, in memory and in a folder that other processes share."""

    def __init__(self) -> None:
        self.folder: Path | None = None
        self.is_used = True
        self._lines: dict[str, list[str]] = {}

    def share(self, folder: Path) -> None:
        """Keep the events in this folder too, and delete what older code left there."""
        self.folder = folder / code_hash()
        for other in folder.iterdir():
            if other != self.folder:
                shutil.rmtree(other, ignore_errors=True)
        self.folder.mkdir(exist_ok=True)

    def get(self, key: str) -> list[str] | None:
        """Return the lines; None if there are none."""
        if not self.is_used:
            return None
        if key not in self._lines and self.folder and (path := self.folder / key).exists():
            self._lines[key] = path.read_text(encoding="utf-8").split("\n")
        return self._lines.get(key)

    def put(self, key: str, lines: list[str]) -> None:
        """Keep the lines, which have no ends."""
        self._lines[key] = lines
        if self.folder:
            with tempfile.NamedTemporaryFile("w", encoding="utf-8", dir=self.folder, delete=False) as draft:
                draft.write("\n".join(lines))
            Path(draft.name).replace(self.folder / key)


KEPT = KeptEvents()


@cache
def code_hash() -> str:
    """Return a hash of what launches and surveys of the networks that ship depend on."""
    files = [path for path in (ROOT / "benchcli").rglob("*.py") if path.relative_to(ROOT).parts[1] not in READERS]
    versions = [f"{name} {version(name)}" for name in ("torch", "numpy", "fvcore")]
    own = [ROOT / "tests" / name for name in ("conftest.py", "built_networks.py")]
    return _hash([*files, *own], [*versions, platform.python_version(), platform.node()])


@cache
def helpers_hash() -> str:
    """Return a hash of the modules of tests that networks of theirs may use, which no test changes."""
    return _hash([path for path in (ROOT / "tests").rglob("*.py") if not path.name.startswith("test_")], [])


def _hash(files: list[Path], texts: list[str]) -> str:
    found = hashlib.sha256("\n".join(texts).encode())
    for path in sorted(files):
        if path.is_file():
            found.update(f"\n{path.name}\n".encode() + path.read_bytes())
    return found.hexdigest()[:32]


def key_of(task: Task) -> tuple[str, dict[str, str]] | None:
    """Return the key of a task, and its temporary folders by stand-in; None where more than task and code decides."""
    variants = [variant for family in task.families for variant in family.variants]
    if task.target.device != "fake" or task.live or any(map(_is_open, variants)):
        return None
    text = encode(task)
    places = {f"<folder {number}>": place for number, place in enumerate(dict.fromkeys(PLACE.findall(text)))}
    for stand_in, place in places.items():
        text = text.replace(place, stand_in)
    sources = {(variant.source, variant.builder) for variant in variants if variant.source}
    files = {file for source, builder in sources for file in _files(source, builder)}
    return _hash([*map(Path, files)], [text, helpers_hash() if sources else ""]), places


def _is_open(variant: Variant) -> bool:
    """Return whether a network's code cannot be listed."""
    source = variant.source
    outside = source is not None and not PLACE.match(source.folder)
    return variant.builder.startswith(LIVE) or outside or (source is None and not variant.is_built_in)


def _files(source: Source, builder: str) -> Iterator[str]:
    """Yield the files that a network may be made of, but for what `helpers_hash` is of."""
    for folder in {Path(source.folder), Path(source.folder) / source.beside}:  # `beside` may be absolute
        for place, folders, names in os.walk(folder):
            folders[:] = [name for name in folders if name != "__pycache__"]  # made of the others, at some time
            yield from (f"{place}/{name}" for name in names if Path(name).suffix not in RESULTS)
    module = ROOT / f"{builder.partition(':')[0].replace('.', '/')}.py"
    if module.is_file():
        yield str(module)
