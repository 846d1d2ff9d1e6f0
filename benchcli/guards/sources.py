"""Import the code of a version from its source alone.

Python takes a compiled file for that of a source of equal time and size, which two versions of a file
can have. `sys.pycache_prefix` would avoid that too, but would compile in each process whatever is
imported late from site-packages, which takes seconds for large libraries.
"""

import os
import sys
from importlib.machinery import EXTENSION_SUFFIXES, SOURCE_SUFFIXES, ExtensionFileLoader, FileFinder, SourceFileLoader
from pathlib import Path
from typing import Any

from benchcli.guards.read_files import is_within, resolved

_folders: list[str] = []
"""The folders whose compiled files are not read."""


class _FreshLoader(SourceFileLoader):
    """Loads a module from its source; its compiled file is neither read nor written."""

    def path_stats(self, path: str) -> Any:
        """Raise OSError, which tells Python that no compiled file can be trusted."""
        raise OSError(f"{path} is read from its source alone")


def read_afresh(folder: str) -> None:
    """Import the modules in this folder from their sources, but for packages installed in it."""
    if folder not in _folders:
        _folders.append(folder)
        _forget_finders(folder)
    if _finder not in sys.path_hooks:
        sys.path_hooks.insert(0, _finder)


def forget() -> None:
    """Undo `read_afresh`."""
    if _finder in sys.path_hooks:
        sys.path_hooks.remove(_finder)
    while _folders:
        _forget_finders(_folders.pop())


def _finder(entry: str) -> FileFinder:
    """Return what finds the modules at an entry of `sys.path`. Raises ImportError for other entries."""
    if not any(_is_of(entry, folder) for folder in _folders):
        raise ImportError(f"{entry} is of no version")
    return FileFinder(entry, (ExtensionFileLoader, EXTENSION_SUFFIXES), (_FreshLoader, SOURCE_SUFFIXES))


def _is_of(entry: str, folder: str) -> bool:
    place, tree = resolved(os.path.abspath(entry)), resolved(os.path.abspath(folder))  # noqa: PTH100
    return is_within(place, tree) and "site-packages" not in Path(place).relative_to(tree).parts


def _forget_finders(folder: str) -> None:
    for entry in [entry for entry in sys.path_importer_cache if _is_of(entry, folder)]:
        del sys.path_importer_cache[entry]
