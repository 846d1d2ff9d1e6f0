"""Trace the requested families of a run that its folder does not hold yet."""

from collections import Counter
from collections.abc import Collection, Iterable

from benchcli.measure.breakdown import LAUNCHES, break_down
from benchcli.measure.process import Launcher
from benchcli.runs.run_folder import RunFolder
from benchcli.schema import Failure, FamilyResult, Key, Plan, Target


def lacking(wanted: Collection[str], results: Iterable[FamilyResult], folder: RunFolder) -> list[FamilyResult]:
    """Return the wanted families in which a timed variant has fewer than `LAUNCHES` breakdowns."""
    rows = Counter((each.family, each.variant) for each in folder.breakdowns())
    return [
        result
        for result in results
        if result.family.name in wanted and any(rows[r.key] < LAUNCHES for r in result.records if r.timing)
    ]


def trace(
    result: FamilyResult, target: Target, plan: Plan, folder: RunFolder, launcher: Launcher
) -> dict[Key, Failure]:
    """Trace a family and store its breakdowns; return the failures of the untraced variants."""
    name = result.family.name
    costs = {r.key: r.costs for r in result.records if r.timing and r.costs}
    traces = break_down(result.family, target, plan, costs, launcher)
    folder.put_breakdowns(name, traces.breakdowns)
    return traces.failures
