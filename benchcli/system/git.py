"""What is asked of git repositories.

Nothing here writes into one: a commit's files are laid out elsewhere, with an index of their own.
"""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import benchcli
from benchcli.errors import UserError
from benchcli.system.procfs import lines

MOST_REFS = 200


def top(folder: Path) -> Path | None:
    """Return the root of the working tree that a folder lies in; None outside of one, and where there is no git.

    Raises UserError where git refuses to say.
    """
    if shutil.which("git") is None:
        return None
    done = _run(folder, {}, "rev-parse", "--show-toplevel")
    if done.returncode and "not a git repository" not in done.stderr:
        raise UserError(f"git cannot say what {folder} is: {_last(done.stderr)}")
    return Path(done.stdout.rstrip("\n")) if done.returncode == 0 else None


def commit_of(folder: Path, ref: str) -> str | None:
    """Return the commit that a name means in the folder's repository; None where it means none."""
    return _asked(folder, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{ref}^{{commit}}")


def refs(folder: Path) -> list[str]:
    """Return the names of branches and tags, those of remotes too."""
    found = _asked(folder, "for-each-ref", f"--count={MOST_REFS}", "--format=%(refname:short)") or ""
    return found.splitlines()


def is_shallow(folder: Path) -> bool:
    """Say whether the repository has only a part of its history, as checkouts on CI have."""
    return _asked(folder, "rev-parse", "--is-shallow-repository") == "true"


def changes(folder: Path) -> list[str]:
    """Return what in the folder's working tree is not committed, a path each; files that git ignores do not count."""
    done = _run(folder, {}, "status", "--porcelain", "--untracked-files=normal")
    if done.returncode:
        raise UserError(f"git cannot say what of {folder} is committed: {_last(done.stderr)}")
    return [line[3:] for line in done.stdout.splitlines()]


def running_commit(checkout: Path = Path(benchcli.__file__).parent.parent) -> str | None:
    """Return the commit of the checkout that this package runs from, read without git; None elsewhere."""
    git = checkout / ".git"
    head = next(iter(lines(git / "HEAD")), "")
    if not head.startswith("ref: "):
        return head or None
    reference = head.removeprefix("ref: ")
    loose = next(iter(lines(git / reference)), None)
    packed = (line.split()[0] for line in lines(git / "packed-refs") if line.endswith(f" {reference}"))
    return loose or next(packed, None)


def lay_out(root: Path, commit: str, folder: Path) -> None:
    """Write a commit's files into a folder. Raises UserError where git cannot."""
    index = folder.with_name(f"{folder.name}.index")
    folder.mkdir(parents=True)
    variables = {"GIT_INDEX_FILE": str(index)}
    try:
        for command in (("read-tree", commit), ("checkout-index", "--all", f"--prefix={folder}/")):
            done = _run(root, variables, *command)
            if done.returncode:
                raise UserError(f"commit {commit[:10]} cannot be laid out: {_last(done.stderr)}")
    finally:
        index.unlink(missing_ok=True)


def _asked(folder: Path, *arguments: str) -> str | None:
    """Return what git answers, or None where it has no answer."""
    try:
        done = _run(folder, {}, *arguments)
    except UserError:
        return None
    return done.stdout.rstrip("\n") if done.returncode == 0 else None


def _run(folder: Path, variables: Mapping[str, str], *arguments: str) -> "subprocess.CompletedProcess[str]":
    program = shutil.which("git")
    if program is None:
        raise UserError("there is no git here: install it, or give folders or interpreters as --base and --head")
    # Not even the index is refreshed. A hook that runs this hands on variables that name its own index.
    kept = {name: value for name, value in os.environ.items() if name not in {"GIT_INDEX_FILE", "GIT_PREFIX"}}
    environment = {**kept, "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C", **variables}
    return subprocess.run(
        [program, "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        env=environment,
        check=False,
    )


def _last(text: str) -> str:
    said = text.strip().splitlines()
    return said[-1].strip() if said else "git said nothing"
