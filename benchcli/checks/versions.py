"""Find the versions that `--base` and `--head` name, and lay them out side by side."""

import contextlib
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from difflib import get_close_matches
from pathlib import Path
from typing import Final, Literal

from benchcli import __version__, files
from benchcli.checks import snapshot
from benchcli.errors import UserError
from benchcli.runs import own_files
from benchcli.schema import Source
from benchcli.spelling import given
from benchcli.system import git, interpreters

Side = Literal["base", "head"]
"""Both have four letters, so that the paths of both versions have equal length."""
BASE: Final = "base"
HEAD: Final = "head"


@dataclass(frozen=True)
class Version:
    """One version before it is laid out."""

    kind: Literal["interpreter", "commit", "folder"]
    label: str
    """The version's name for people: "main (1a2b3c4d5e)", "the working tree"."""
    rerun: str
    """The value of `--base` or `--head` that names this version again."""
    python: str
    root: Path
    """The folder, the top of the commit's repository, or the current folder of an interpreter."""
    commit: str | None = None
    inside: Path = Path()
    """The folder below `root` from which networks are imported."""
    changes: tuple[str, ...] = ()
    """Uncommitted paths of a working tree."""
    untracked: tuple[str, ...] = ()
    """Those of them that git does not track."""
    checked_out: str | None = None
    """The commit that a folder has checked out; None if the folder is not a whole working tree."""

    @property
    def uncommitted(self) -> list[str]:
        """The uncommitted paths, without an untracked folder of results."""
        results = f"{self.inside.as_posix()}/results/".removeprefix("./")
        return [path for path in self.changes if path not in self.untracked or not path.startswith(results)]

    @property
    def exact_commit(self) -> str | None:
        """The commit whose code this version has; None if it has changes, or no commit."""
        return self.commit or (None if self.uncommitted else self.checked_out)


def version(text: str | None, here: Path) -> Version:
    """Return the interpreter, folder or commit that `text` names; None names the working tree.

    Raises UserError if `text` names none of these.
    """
    if text is None:
        return _folder(git.top(here) or here, here, "the working tree", str(here))
    if not text.strip():
        raise UserError("an empty string is not a version: give an interpreter, a git ref or a folder")
    path = here / files.expanded(text)
    files.mode_of(path)  # raises UserError for a name that no file can have
    python = _interpreter(path) or _on_path(text)
    if python:
        return Version("interpreter", str(python), str(python), str(python), here)
    commit = git.commit_of(here, text)
    if files.is_folder(path):
        if commit and not set(text) & {os.sep, "/"} and text not in {".", ".."}:
            raise UserError(f"{text} is a folder here, and a git ref: write ./{text}, or {commit[:10]}")
        return _folder(path.resolve(), path.resolve(), text, text)
    if commit:
        root = git.top(here)
        if root is None:
            raise UserError(f"{here} is in a bare repository: `git worktree add FOLDER`, and run this in it")
        inside = here.resolve().relative_to(root.resolve())
        return Version("commit", f"{text} ({commit[:10]})", commit, sys.executable, root, commit, inside)
    raise UserError(_not_found_message(text, here))


@dataclass(frozen=True)
class Versions:
    """Base and head."""

    base: Version
    head: Version

    @property
    def title(self) -> str:
        """The labels of both, for people."""
        return f"base {self.base.label} · head {self.head.label}"

    @property
    def are_same(self) -> bool:
        """Whether both are certainly the same code in one interpreter.

        They are if they are one folder or interpreter, or a commit and its checkout without changes.
        """
        one, other = self.base, self.head
        if one.python != other.python:
            return False
        if "commit" not in (one.kind, other.kind):  # an interpreter imports from the current folder
            places = {(each.root / each.inside).resolve() for each in (one, other)}
            if len(places) == 1:
                return True
        return one.inside == other.inside and one.exact_commit is not None and one.exact_commit == other.exact_commit

    def by_side(self) -> dict[Side, Version]:
        """Return both versions by side."""
        return {BASE: self.base, HEAD: self.head}


def find_versions(base: str, head: str | None, here: Path) -> tuple[Versions, list[str]]:
    """Return both versions and notices for the user.

    Raises UserError if one does not exist or cannot run workers.
    """
    first = version(base, here)
    # If base is an interpreter, head defaults to this one. Both import the code that is here or
    # installed.
    second = version(sys.executable if head is None and first.kind == "interpreter" else head, here)
    versions = Versions(first, second)
    return versions, [text for side, each in versions.by_side().items() for text in _notices(side, each)]


def _notices(side: Side, each: Version) -> Iterator[str]:
    yield from _other_benchcli(side, each)
    filters = git.filters(each.root, each.commit) if each.commit else ()
    if filters:
        yield f"git runs the repository's own filters to lay out {side}: {', '.join(filters)}"


def _other_benchcli(side: Side, each: Version) -> Iterator[str]:
    if each.kind == "interpreter":
        installed = interpreters.ask(each.python).benchcli
        if installed and installed != __version__:
            yield f"{side} has benchcli {installed}, which is not used: this one measures both"


def uncommitted(versions: Versions, refused: bool) -> list[str]:
    """Return notices about uncommitted changes. Raises UserError if there are any and `refused`."""
    notices = []
    for side, each in versions.by_side().items():
        changes = each.uncommitted
        if not changes:
            continue
        examples = ", ".join(changes[:3]) + (", …" if len(changes) > 3 else "")
        text = f"{side} ({each.label}) has uncommitted changes ({examples})"
        if refused:
            raise UserError(f"{text}: commit or stash them, or leave {given('require_clean')} out")
        notices.append(f"{text}, which are measured with it")
    return notices


@contextlib.contextmanager
def laid_out(versions: Mapping[Side, Version]) -> Iterator[dict[Side, Source]]:
    """Yield the import folder of each version, at paths of equal length; delete them afterwards."""
    place = Path(tempfile.mkdtemp(prefix="benchcli-"))
    try:
        sources = {side: _laid_out(each, place / side) for side, each in versions.items()}
        yield {side: _apart(side, sources[side], versions, place) for side in versions}
    finally:
        shutil.rmtree(place, ignore_errors=True)


def _apart(side: Side, source: Source, versions: Mapping[Side, Version], place: Path) -> Source:
    """Return the source with its own folders and those of the other version, whose code it must not use.

    An interpreter has no folders of its own. A commit has the working tree beside it, from which it could import.
    """
    if source.place != "only":
        return source
    other_side: Side = HEAD if side == BASE else BASE
    version_, other = versions[side], versions.get(other_side)
    own, others = [place / side], [place / other_side]
    (others if version_.commit else own).append(version_.root)
    if other and other.kind == "folder":
        others.append(other.root)
    folders = list(dict.fromkeys(str(each.resolve()) for each in own if each.is_dir()))
    trees = dict.fromkeys(str(each.resolve()) for each in others if each.is_dir())
    return replace(source, own=tuple(folders), trees=tuple(each for each in trees if each not in folders))


def _laid_out(version_: Version, place: Path) -> Source:
    if version_.kind == "interpreter":
        return Source(str(version_.root), "last")
    if version_.commit:
        git.lay_out(version_.root, version_.commit, place)
    elif not _copied(version_, place):
        try:
            place.symlink_to(version_.root, target_is_directory=True)
        except OSError:  # on Windows a symbolic link needs a privilege
            return Source(str(version_.root / version_.inside), "only")
    folder = place / version_.inside
    if not folder.is_dir():
        raise UserError(f"{version_.label} has no folder {version_.inside}: run this where both versions have one")
    return Source(str(folder), "only")


def _copied(version_: Version, place: Path) -> bool:
    """Copy a version's folder; return False if it is too large for that. Raises UserError if there is no room."""
    try:
        return snapshot.take(version_.root, place)
    except OSError as error:
        raise UserError(
            f"{version_.label} cannot be copied to {place.parent} ({error.strerror}): set TMPDIR to a folder with room"
        ) from None


def _folder(root: Path, inside: Path, label: str, rerun: str) -> Version:
    changes, untracked = _changes(inside)
    below = inside.resolve().relative_to(root.resolve())
    commit = git.commit_of(root, "HEAD") if git.top(root) == root.resolve() else None
    return Version("folder", label, rerun, sys.executable, root, None, below, changes, untracked, commit)


def _changes(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the uncommitted paths of a folder's repository and the untracked ones, without what benchcli wrote."""
    top = git.top(folder)
    if top is None:
        return (), ()
    changes, untracked = git.changes(folder)
    kept = own_files.others(top, untracked)
    return tuple(path for path in changes if path not in untracked or path in kept), tuple(kept)


def _interpreter(path: Path) -> Path | None:
    """Return the interpreter at `path`, or that of the environment at `path`; None if neither.

    Raises UserError if the environment has no interpreter, or if the file is not executable.
    """
    if files.is_file(path / "pyvenv.cfg"):
        inner = path / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
        if not inner.is_file():
            raise UserError(f"{path} is an environment without {inner.relative_to(path)}: make it again")
        return _same_as_this(inner.absolute())
    if files.is_file(path):
        if not os.access(path, os.X_OK):
            raise UserError(f"{path} is a file that cannot be run: give an interpreter, a git ref or a folder")
        return _same_as_this(path.absolute())
    return None


def _same_as_this(path: Path) -> Path:
    """Return this interpreter's own path if `path` is another name of it.

    An environment has several names for its interpreter.
    """
    this = Path(sys.executable)
    return this if path.parent == this.parent and path.resolve() == this.resolve() else path


def _on_path(name: str) -> Path | None:
    path = shutil.which(name) if re.fullmatch(r"(python|pypy)[\d.]*", name) else None
    return _same_as_this(Path(path)) if path else None


def _not_found_message(text: str, here: Path) -> str:
    """Return the message that nothing is named `text`, with the closest git ref."""
    if shutil.which("git") is None:
        return f"there is no interpreter or folder {text!r}, and no git to ask for a ref: install it"
    if git.top(here) is None:
        return f"no interpreter or folder {text!r}, and {here} is in no git repository: give one that is there"
    near = get_close_matches(text, git.refs(here), n=1, cutoff=0.5)
    hint = f"did you mean {near[0]}? " if near else ""
    shallow = (
        "this checkout has only a part of the history: fetch the rest (fetch-depth: 0); "
        if git.is_shallow(here)
        else ""
    )
    return f"no git ref, interpreter or folder {text!r} here: {hint}{shallow}`git branch --all` lists what is there"
