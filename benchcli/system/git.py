"""Read facts and the files of commits from git repositories.

Nothing here writes into a repository: `lay_out` writes into another folder, with a separate index.
Nothing runs the repository's code either, except its filters, without which the files of a commit
would not be those of a checkout: no hooks, no file-system monitor, no fetches, no questions.
"""

import contextlib
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

import benchcli
from benchcli.errors import UserError
from benchcli.spelling import given
from benchcli.system.procfs import lines

MOST_REFS = 200
LONGEST_S = 600.0
"""Longest time for a git command, in seconds. Filters that download files take the longest."""
SAFE = ("core.hooksPath=/dev/null", "core.fsmonitor=false", "protocol.allow=never", "core.untrackedCache=false")
"""Settings that replace the repository's. Without protocols nothing is fetched, lazily or otherwise."""
SILENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_NO_LAZY_FETCH": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_ASKPASS": "true",
}
"""Variables with which git refreshes no index, fetches nothing, takes no commit for another, and asks nothing."""


OF_HOOKS = ("GIT_INDEX_FILE", "GIT_PREFIX", "GIT_DIR", "GIT_WORK_TREE", "GIT_COMMON_DIR", "GIT_OBJECT_DIRECTORY")
"""Variables that a git hook has of its own repository, which need not be that of the folder."""


def top(folder: Path) -> Path | None:
    """Return the root of the working tree that contains a folder.

    Returns None outside of a working tree and without git. Raises UserError if git fails.
    """
    if shutil.which("git") is None:
        return None
    done = _run(folder, {}, "rev-parse", "--show-toplevel")
    if done.returncode and "not a git repository" not in done.stderr:
        raise UserError(f"git cannot say what {folder} is: {_last_line(done.stderr)}")
    return Path(done.stdout.rstrip("\n")) if done.returncode == 0 else None


def commit_of(folder: Path, ref: str) -> str | None:
    """Return the commit of a ref in the folder's repository, or None if there is no such commit."""
    return _try_git(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")


def refs(folder: Path) -> list[str]:
    """Return the names of branches, remote branches and tags, at most MOST_REFS."""
    output = _try_git(folder, "for-each-ref", f"--count={MOST_REFS}", "--format=%(refname:short)") or ""
    return output.splitlines()


def is_shallow(folder: Path) -> bool:
    """Return whether the repository lacks a part of its history, as checkouts on CI do."""
    return _try_git(folder, "rev-parse", "--is-shallow-repository") == "true"


def changes(folder: Path) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the paths with uncommitted changes in the working tree, and those that are untracked.

    Ignored files are excluded, and the untracked paths are among the first. Files that git was told to take for
    unchanged are looked at all the same. Raises UserError if git fails.
    """
    options = ("--porcelain", "-z", "--no-renames", "--untracked-files=normal")  # submodules get SAFE too
    done = _run(folder, {}, "status", *options)
    if done.returncode:
        raise UserError(f"git cannot say what of {folder} is committed: {_last_line(done.stderr)}")
    entries = [entry for entry in done.stdout.split("\0") if entry]
    changed = [entry[3:] for entry in entries]
    return (*changed, *_disguised(folder)), tuple(entry[3:] for entry in entries if entry.startswith("??"))


def _disguised(folder: Path) -> list[str]:
    """Return the changed paths that git was told to take for unchanged; those of a sparse checkout are not there."""
    root = top(folder) or folder
    listed = (_try_git(root, "ls-files", "-v", "-s", "-z") or "").split("\0")
    flagged = [entry.partition("\t") for entry in listed if entry and (entry[0].islower() or entry[0] == "S")]
    changed = []
    for facts, _, path in flagged:
        is_there = os.path.isfile(root / path)  # noqa: PTH113  it raises nothing
        if is_there and _try_git(root, "hash-object", "--", path) != facts.split()[2]:
            changed.append(path)
    return changed


def filters(root: Path, commit: str) -> tuple[str, ...]:
    """Return the names of the filters that git runs to lay out a commit, such as "lfs"."""
    names = set(_configured_filters(root))
    if not names:
        return ()
    # A filter counts only if an attribute references it: of the commit, the repository, the user or the system.
    of_commit = ("--no-color", "-h", "-o", "-E", "filter=[^ \t]+", commit, "--", "*.gitattributes")
    used = (_try_git(root, "grep", *of_commit) or "").splitlines()
    private = root / (_try_git(root, "rev-parse", "--git-path", "info/attributes") or "")
    others = (_try_git(root, "var", name) for name in ("GIT_ATTR_GLOBAL", "GIT_ATTR_SYSTEM"))
    setting = _try_git(root, "config", "--type=path", "--get", "core.attributesFile")
    files = [private, *(root / each for each in (*others, setting) if each)]
    used += [line for file in files for line in lines(file) if "filter=" in line]
    return tuple(sorted(names & {" ".join(each.rpartition("filter=")[2].split()[:1]) for each in used}))


def _configured_filters(root: Path) -> list[str]:
    """Return the names of the filters that the settings of git define."""
    configured = _try_git(root, "config", "--name-only", "--get-regexp", r"^filter\..*\.(smudge|process)$") or ""
    return [name.partition(".")[2].rpartition(".")[0] for name in configured.splitlines()]


def _without_others(root: Path, commit: str) -> list[str]:
    """Return settings with which git runs none but the commit's own filters, wherever it would find others."""
    others = set(_configured_filters(root)) - set(filters(root, commit))
    values = ("smudge=", "process=", "required=false")
    return [f"filter.{name}.{value}" for name in sorted(others) for value in values]


def running_commit(checkout: Path = Path(benchcli.__file__).parent.parent) -> str | None:
    """Return the commit of the checkout that holds this package, or None outside of a checkout.

    It reads the files of the repository and does not start git.
    """
    git = checkout / ".git"
    head = next(iter(lines(git / "HEAD")), "")
    if not head.startswith("ref: "):
        return head or None
    reference = head.removeprefix("ref: ")
    loose = next(iter(lines(git / reference)), None)
    packed = (line.split()[0] for line in lines(git / "packed-refs") if line.endswith(f" {reference}"))
    return loose or next(packed, None)


def lay_out(root: Path, commit: str, folder: Path) -> None:
    """Write a commit's files into a new folder. Raises UserError if git fails.

    Filters run only if `filters` names them.
    """
    index = folder.with_name(f"{folder.name}.index")
    folder.mkdir(parents=True)
    git_folder = _try_git(root, "rev-parse", "--absolute-git-dir") or str(root / ".git")
    # In a working tree of its own, the attributes are the commit's and not those of the user's working tree.
    variables = {"GIT_INDEX_FILE": str(index), "GIT_DIR": git_folder, "GIT_WORK_TREE": str(folder)}
    try:
        settings = _without_others(root, commit)
        for command in (("read-tree", commit), ("checkout-index", "--all")):
            done = _run(folder, variables, *command, settings=settings)
            if done.returncode and "promisor" in done.stderr:
                raise UserError(
                    f"this clone lacks files of commit {commit[:10]}, and a check fetches nothing: "
                    "`git fetch --refetch --no-filter` first"
                )
            if done.returncode:
                raise UserError(f"commit {commit[:10]} cannot be laid out: {_last_line(done.stderr)}")
    finally:
        index.unlink(missing_ok=True)


def _try_git(folder: Path, *arguments: str) -> str | None:
    """Return git's output, or None if git fails or is missing."""
    try:
        done = _run(folder, {}, *arguments)
    except UserError:
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def _run(
    folder: Path, variables: Mapping[str, str], *arguments: str, settings: Sequence[str] = ()
) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("git")
    if program is None:
        versions = f"{given('base')} and {given('head')}"
        raise UserError(f"there is no git here: install it, or give folders or interpreters as {versions}")
    inherited = {name: value for name, value in os.environ.items() if name not in OF_HOOKS}
    options = [part for setting in (*SAFE, *settings) for part in ("-c", setting)]
    try:
        with subprocess.Popen(
            [program, "-C", str(folder), *options, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            errors="surrogateescape",
            env={**inherited, **SILENT, "LC_ALL": "C", **variables},
            start_new_session=True,
        ) as process:
            return _finished(process)
    except subprocess.TimeoutExpired:
        raise UserError(f"git {arguments[0]} in {folder} took over {LONGEST_S:.0f} s, and was ended") from None
    except OSError as error:
        raise UserError(f"git cannot be started in {folder}: {error.strerror}") from None


def _finished(process: "subprocess.Popen[str]") -> "subprocess.CompletedProcess[str]":
    """Wait for git, and end it and the filters that it runs if it takes too long or the user interrupts."""
    try:
        output, errors = process.communicate(timeout=LONGEST_S)
    except BaseException:
        with contextlib.suppress(OSError, AttributeError):  # Windows has no groups of processes
            os.killpg(process.pid, signal.SIGKILL)
        process.kill()
        raise
    return subprocess.CompletedProcess(process.args, process.returncode, output, errors)


def _last_line(text: str) -> str:
    text_lines = text.strip().splitlines()
    return text_lines[-1].strip() if text_lines else "git said nothing"
