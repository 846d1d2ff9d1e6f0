"""Trace the families of a run that are asked for, as far as its folder does not have them yet."""

from collections import Counter
from collections.abc import Callable, Iterable

from benchcli.measure.breakdown import LAUNCHES, Traces, break_down
from benchcli.measure.process import Launcher
from benchcli.runs.environment import Request
from benchcli.runs.run_folder import ResultsFolder
from benchcli.schema import Failure, FamilyResult, Key


def lacking(request: Request, results: Iterable[FamilyResult], folder: ResultsFolder) -> list[FamilyResult]:
    """Return the families to be traced of which a variant with a time was not traced often enough."""
    if not request.traced:
        return []
    rows = Counter((each.family, each.variant) for each in folder.breakdowns())
    return [
        result
        for result in results
        if result.family.name in request.traced
        and any(rows[result.family.name, r.variant.name] < LAUNCHES for r in result.records if r.timing)
    ]


def trace(
    request: Request,
    results: Iterable[FamilyResult],
    folder: ResultsFolder,
    launcher: Launcher,
    observe: Callable[[str], None],
) -> Traces:
    """Trace family by family into the folder; return why what was not traced was not."""
    failures: dict[Key, Failure] = {}
    for result in lacking(request, results, folder):
        name = result.family.name
        observe(name)
        costs = {(name, r.variant.name): r.costs for r in result.records if r.timing and r.costs}
        found = break_down(result.family, request.target, request.plan, costs, launcher)
        folder.put_breakdowns(name, found.breakdowns)
        failures |= found.failures
    return Traces(folder.breakdowns(), failures)
