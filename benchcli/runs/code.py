"""Trace users' own networks back to the commits of their repositories."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, replace
from functools import cache
from pathlib import Path
from typing import Any

from benchcli.errors import UserError
from benchcli.schema import Code, Family, Key
from benchcli.system import git


def traced_back(codes: Mapping[Key, Code], families: Iterable[Family]) -> dict[Key, Code]:
    """Return the codes with the commit and the state of the repository that each file is in."""
    folders = {
        (family.name, variant.name): Path(variant.source.folder) if variant.source else Path()
        for family in families
        for variant in family.variants
    }
    state = cache(_state)
    found: dict[Key, Code] = {}
    for key, code in codes.items():
        commit, dirty = state((folders[key] / code.file).parent)
        found[key] = replace(code, commit=commit, dirty=dirty)
    return found


def described(codes: Mapping[Key, Code]) -> list[dict[str, Any]]:
    """Return an entry for each network, for `environment.json`."""
    return [{"family": family, "variant": variant, **asdict(code)} for (family, variant), code in codes.items()]


def _state(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit of a folder's repository, and whether it has uncommitted changes; None without one."""
    try:
        root = git.top(folder)
        if root is None:
            return None, None
        return git.commit_of(root, "HEAD"), bool(git.changes(root)[0])
    except UserError:  # git fails: the file's hash is recorded all the same
        return None, None
