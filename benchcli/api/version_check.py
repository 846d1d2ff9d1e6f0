"""Check one version of networks against another, or against a recorded run."""

from typing import Unpack

from benchcli.api.keywords import CheckSettings, overrides_of, target_of, tools_of
from benchcli.api.results import Check, UnfinishedError
from benchcli.checks.check_run import run_check
from benchcli.checks.session import CheckRequest, UnfinishedCheckError
from benchcli.settings import CHECK, checked
from benchcli.store.adding import add, prepare
from benchcli.validation import text


def check(suite: str, **settings: Unpack[CheckSettings]) -> Check:
    """Check a suite: is `head` slower, or costlier, than `base`, or than the run in folder `baseline`?

    `base` and `head` are git refs, folders, or Python interpreters; `head` is the working tree by
    default. Raises UserError where the two cannot be compared, NothingMeasuredError where nothing
    was found, and UnfinishedError if the check ended early: its `result` has what was found.
    """
    values = checked(settings, CHECK)
    target = target_of(values)
    request = CheckRequest(
        suite=text("a suite", suite),
        target=target,
        overrides=overrides_of(target, values),
        base=values["base"],
        head=values["head"],
        baseline=values["baseline"],
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
    if values["store"]:
        prepare(values["store"])
    try:
        report = run_check(request, tools_of(values))
    except UnfinishedCheckError as error:
        reason = f"{error.reason}; what was checked before is shown"
        left = "interrupted: what was found before is shown" if error.reason is None else reason
        raise UnfinishedError(Check(error.report), error.reason, left) from None
    if values["store"] and report.folder:
        add([report.folder], values["store"])
    return Check(report)
