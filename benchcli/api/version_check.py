"""Check one version of networks against another, or against a recorded run."""

from pathlib import Path
from typing import Unpack

from benchcli.analysis.against_series import SeriesJudge
from benchcli.api.check_result import Check
from benchcli.api.keywords import CheckSettings, overrides_of, target_of, tools_of
from benchcli.api.result import UnfinishedError
from benchcli.checks.check_run import run_check
from benchcli.checks.session import CheckRequest, UnfinishedCheckError
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.runs.run_environment import changed_since
from benchcli.sampling.supervise import survey
from benchcli.schema import Plan, Target
from benchcli.settings import CHECK, Values, checked
from benchcli.spelling import given
from benchcli.store.adding import add, prepare
from benchcli.store.columns import RUN
from benchcli.store.database import rows_of, tables
from benchcli.store.stored_runs import read
from benchcli.validation import text
from benchcli.workers.tools import Tools
from benchcli.workloads.suites import find_suite


def check(suite: str, **settings: Unpack[CheckSettings]) -> Check:
    """Check a suite: is `head` slower, or costlier, than `base`, the run in folder `baseline`, or the store `history`?

    `base` and `head` are git refs, folders, or Python interpreters; `head` is the working tree by
    default. Raises UserError where the two cannot be compared, NothingMeasuredError where nothing
    was found, and UnfinishedError if the check ended early: its `result` has what was found.
    """
    values = checked(settings, CHECK)
    history, tools = values["history"], tools_of(values)
    request = _request(text("a suite", suite), values, tools)
    if values["store"]:
        prepare(values["store"])
    try:
        report = run_check(request, tools, SeriesJudge(history).judge if history else None)
    except UnfinishedCheckError as error:
        reason = f"{error.reason}; what was checked before is shown"
        left = "interrupted: what was found before is shown" if error.reason is None else reason
        raise UnfinishedError(Check(error.report), error.reason, left) from None
    if values["store"] and report.folder:
        add([report.folder], values["store"])
    return Check(report)


def _request(suite: str, values: Values, tools: Tools) -> CheckRequest:
    """Return what to check. Raises UserError if settings exclude each other."""
    target, history = target_of(values), values["history"]
    if other := next((name for name in ("base", "baseline") if history and values[name]), None):
        raise UserError(f"{given('history')} says itself what to compare with: leave {given(other)} out")
    return CheckRequest(
        suite=suite,
        target=target,
        overrides=overrides_of(target, values),
        base=values["base"],
        head=values["head"],
        baseline=_last_run(history, suite, target, tools) if history else values["baseline"],
        history=history,
        only=values["only"],
        threshold=values["threshold"],
        launches=values["launches"],
        budget_s=values["time_limit"],
        separate=values["separate"],
        costs_only=values["costs_only"],
        allowed=values["allow"],
        fail_if_mde_above=values["fail_if_mde_above"],
        require_clean=values["require_clean"],
        output=values["output"],
    )


def _last_run(store: Path, suite: str, target: Target, tools: Tools) -> Path:
    """Return the last run of a suite in a store, of a machine with this one's versions if there is such a run.

    Raises NothingMeasuredError if the store has none of the suite.
    """
    name = find_suite(suite).name
    listed = "SELECT id, digest FROM runs WHERE suite = $suite AND NOT is_check ORDER BY started DESC, id DESC"
    with tables(store, RUN) as connection:
        runs = rows_of(connection.execute(listed, {"suite": name}))
    if not runs:
        raise NothingMeasuredError(
            f"{store} has no run of {name}: measure {suite} with {given('store', store)}, which adds the run"
        )
    with tools.workers() as launcher:
        here = survey((), target, Plan(), launcher)
    newest = {run["digest"]: store / str(run["id"]) for run in reversed(runs)}
    alike = (path for path in newest.values() if not changed_since(read(path).environment, target, here))
    return next(alike, store / str(runs[0]["id"]))
