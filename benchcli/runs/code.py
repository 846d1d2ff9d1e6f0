"""Trace users' own networks back to the commits of their repositories."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

from benchcli import files
from benchcli.errors import UserError
from benchcli.runs import own_files
from benchcli.schema import Code, Family, Key
from benchcli.schema.environment import Environment, NetworkCode
from benchcli.spelling import given
from benchcli.system import git


def traced_back(codes: Mapping[Key, Code], families: Iterable[Family]) -> dict[Key, Code]:
    """Return the codes with the commit and the state of the repository that each file is in."""
    folders = {
        (family.name, variant.name): Path(variant.source.folder) if variant.source else Path()
        for family in families
        for variant in family.variants
    }
    state = cache(_state)
    traced: dict[Key, Code] = {}
    for key, code in codes.items():
        commit, dirty = state((folders[key] / code.file).parent)
        traced[key] = replace(code, commit=commit, dirty=dirty)
    return traced


def with_code(environment: Environment, codes: Mapping[Key, Code]) -> Environment:
    """Return the environment with these codes, beside those that it has of other networks."""
    kept = [each for each in environment.code if each.key not in codes]
    return replace(environment, code=(*kept, *(NetworkCode.of(*entry) for entry in codes.items())))


def _state(folder: Path) -> tuple[str | None, bool | None]:
    """Return the commit of a folder's repository, and whether it has uncommitted changes; None without one."""
    try:
        root = git.top(folder)
        if root is None:
            return None, None
        return git.commit_of(root, "HEAD"), _is_changed(root)
    except UserError:  # git fails: the file's hash is recorded all the same
        return None, None


def _is_changed(root: Path) -> bool:
    """Return whether a working tree has uncommitted changes, apart from what benchcli wrote."""
    changes, untracked = git.changes(root)
    return len(changes) > len(untracked) or bool(own_files.others(root, untracked))


def check_unchanged(folder: object, environment: Environment, families: Iterable[Family]) -> None:
    """Raise UserError if the file of a network that a run has measured is not what it was then."""
    for path in changed(environment, families).values():
        raise UserError(
            f"{path} is not what it was when {folder} was started: a run has one version of each network; start a "
            f"new one with {given('output')}"
        )


def changed(environment: Environment, families: Iterable[Family]) -> dict[Key, Path]:
    """Return the files of the networks that a run has measured which are not what they were then."""
    sources = {(family.name, variant.name): variant.source for family in families for variant in family.variants}
    found: dict[Key, Path] = {}
    for each in environment.code:
        source = sources.get(each.key)
        path = Path(source.folder if source else "") / each.file
        if not files.is_file(path) or hashlib.sha256(path.read_bytes()).hexdigest() != each.sha256:
            found[each.key] = path
    return found
