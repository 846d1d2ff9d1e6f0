"""Read recorded runs and checks, compare them, and write reports and charts of them."""

from collections.abc import Sequence
from dataclasses import replace
from fnmatch import fnmatchcase
from glob import glob
from pathlib import Path
from typing import Literal, overload

from benchcli import files
from benchcli.api import plotting
from benchcli.api.audit_result import NetworkAudit, audit_in
from benchcli.api.check_result import Check
from benchcli.api.compared_runs import MOST, Compared, Member
from benchcli.api.run_result import Pairwise, Run
from benchcli.checks import read_check
from benchcli.errors import UserError
from benchcli.reports import output_files
from benchcli.runs.audit_file import is_audit
from benchcli.spelling import given
from benchcli.store.database import ENDING
from benchcli.store.stored_runs import folder_of, named_by, read, runs_in
from benchcli.workloads.suites import CLAIMS_SUITE

DEEPEST = 20
"""The most lists, one in another, in which runs are given."""
Recorded = Path | str | Member | Compared
"""A folder, a pattern for several folders, or results."""


def load(folder_or_glob: Path | str) -> Member | Compared:
    """Return the recorded run, check or audit in a folder; for a pattern, such as "results/*g2*", all that match.

    Raises UserError if there is none, or if one is damaged.
    """
    if not isinstance(folder_or_glob, Path | str):
        what = type(folder_or_glob).__name__
        raise UserError(f"no results at a {what}: load takes one folder or pattern, and benchcli.compare several")
    path = Path(folder_or_glob)
    loaded = [_load(folder) for folder in folders(path)]
    is_one = len(loaded) == 1 and not (isinstance(loaded[0], Run) and _is_pattern(path))
    return loaded[0] if is_one else Compared(tuple(loaded))


def folders(path: Path) -> list[Path]:
    """Return a folder, or all folders and runs of stores that a pattern matches. Raises UserError if there are none."""
    if not _is_pattern(path):
        return [path]
    found = [match for match in _matches(path) if match.is_dir()]
    for store in _matches(path.parent):
        found += [store / id_ for id_ in runs_in(store) if fnmatchcase(id_, path.name.removesuffix(ENDING))]
    if not found:
        raise UserError(f"no results at {path}: nothing matches the pattern")
    return sorted(found)


def _matches(pattern: Path) -> list[Path]:
    return list(map(Path, glob(str(pattern))))  # noqa: PTH207  an absolute pattern too


def _is_pattern(path: Path) -> bool:
    return bool(set(str(path)) & set("*?[")) and files.mode_of(path) is None and named_by(path) is None


def load_all(
    runs: Sequence[Path | str],
    depth: int | None = None,
    verbose: bool = False,
    baseline: str | None = None,
    tree: bool = False,
) -> Member | Compared:
    """Return the recorded runs, checks and audits of several folders or patterns.

    Layers are rolled up to a depth, or with `tree` shown as a tree of modules; `verbose` shows every
    warning; speeds are relative to the network `baseline`. Raises UserError as `load` and
    `Run.with_baseline` do.
    """
    loaded = [_beside(each, baseline) for each in _members(runs)]
    for each in loaded:
        if isinstance(each, Run):
            each.depth, each.is_verbose, each.is_tree = depth, verbose, tree
        elif isinstance(each, NetworkAudit):
            each.depth, each.is_verbose = depth, verbose
    return loaded[0] if len(loaded) == 1 else Compared(tuple(loaded))


def _beside(run: Member, baseline: str | None) -> Member:
    if baseline is None:
        return run
    if isinstance(run, NetworkAudit):
        raise UserError(f"{run.folder} is an audit of one network: leave {given('baseline')} out")
    if isinstance(run, Check):
        raise UserError(
            f"{run.folder} is a check, which compares networks with their base: leave {given('baseline')} out"
        )
    return run.with_baseline(baseline)


@overload
def compare(*runs: Path | str | Run, pairwise: Literal[False] = False) -> Compared: ...
@overload
def compare(*runs: Path | str | Run, pairwise: bool) -> Compared | Pairwise: ...
def compare(*runs: Path | str | Run, pairwise: bool = False) -> Compared | Pairwise:
    """Compare recorded runs, given by folder or as results, with the first of them.

    With `pairwise`, each two networks of one run are compared instead, as `Run.pairwise` does. Raises
    UserError if there are fewer than two runs, or more than one with `pairwise`, or if one cannot be
    read.
    """
    if pairwise and len(runs) != 1:
        raise UserError(
            f"{given('pairwise')} compares the networks of one run with each other: give one run, not {len(runs)}"
        )
    if not pairwise and len(runs) < 2:
        raise UserError(
            "give two runs or more: the folders that `benchcli run` and `benchcli guideline` write; or one with "
            f"{given('pairwise')}, to compare its networks with each other"
        )
    if len(runs) > MOST:
        raise UserError(f"{len(runs)} runs are too many for one table: give {MOST} or fewer")
    loaded = tuple(run if isinstance(run, Run) else Run(read(Path(str(run)))) for run in runs)
    return loaded[0].pairwise() if pairwise else Compared(loaded, side_by_side=True)


def report(*runs: Recorded | Sequence[Recorded], path: Path | str, force: bool = False) -> None:
    """Write one HTML page of recorded runs or checks, which loads nothing.

    Several runs of one suite stand side by side; three or more have a history. Raises UserError as
    `load` does, if they are of different suites, or if the file cannot be written; a file that
    benchcli did not write is replaced only with `force`.
    """
    file = output_files.writable(path, force)
    together(*runs).report(file, force)


def plot(
    *runs: Recorded | Sequence[Recorded],
    kind: str | None = None,
    path: Path | str,
    theme: str = "light",
    force: bool = False,
) -> None:
    """Draw the charts of one kind of recorded runs or checks into a file: .svg, .png, .pdf or .json.

    Raises UserError as `report` does, with the kinds that there are if there is no chart of this one or
    if none is given, or if the extra `plot` is
    not installed.
    """
    file = output_files.writable(path, force)
    plotting.check(kind, file, theme)
    plotting.draw(together(*runs).drawn, kind, file, theme, force)


def together(*runs: Recorded | Sequence[Recorded]) -> Member | Compared:
    """Return one result of all runs or checks, given by folder, by pattern or as results.

    Raises UserError if there is nothing, or if one cannot be read.
    """
    members = _members(runs)
    if not members:
        raise UserError("give the folder of a run or a check, such as results/<time>-<suite>-<host>")
    return members[0] if len(members) == 1 else Compared(tuple(members))


def _members(runs: Sequence[Recorded | Sequence[Recorded]], depth: int = 0) -> list[Member]:
    """Return the runs, checks and audits that folders, patterns and results stand for."""
    if depth > DEEPEST:
        raise UserError(f"the runs are in over {DEEPEST} lists, or in a list that holds itself: give one list")
    members: list[Member] = []
    for each in runs:
        one = load(each) if isinstance(each, Path | str) else each
        if not isinstance(one, Member | Sequence):
            raise UserError(f"a run is a folder, a pattern or a result, not {one!r}")
        members += [one] if isinstance(one, Member) else _members(one, depth + 1)
    return members


def _load(path: Path) -> Member:
    folder = folder_of(path)
    if is_audit(folder):
        return audit_in(folder)
    if read_check.is_check(folder):
        return Check(replace(read_check.report_of(folder), folder=path))
    run = read(path)
    return Run(run, shows_claims=run.suite_name == CLAIMS_SUITE)
