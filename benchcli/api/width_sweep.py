"""Sweep layers over widths: which to choose here, and which to avoid."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Unpack

from benchcli.analysis.sweep_findings import every_third, to_measure
from benchcli.api.keywords import Measuring, SweepSettings
from benchcli.api.measurement import run_of
from benchcli.api.run_result import Run
from benchcli.api.time_prediction import fill
from benchcli.errors import NothingMeasuredError
from benchcli.runs.measured_suite import measured_aside
from benchcli.runs.run_folder import RunFolder
from benchcli.schema import FamilyResult, Suite
from benchcli.settings import SWEEP, TRACING, Values, checked
from benchcli.spelling import given
from benchcli.validation import text
from benchcli.workloads import sweeps
from benchcli.workloads.sweeps import SweptLine

MANY = 24
"""The widths of a line above which a launch looks first where something changes."""
CHANGE = 0.05
"""The least change of ln(seconds a multiply-add) between two widths, for which those between them are measured."""


def sweep(*what: str, **settings: Unpack[SweepSettings]) -> Run:
    """Measure a layer at many widths, and say which to choose and which to avoid here.

    `what` is "conv", "depthwise", "linear", a block, or a callable of yours, "package.module:callable" with
    `params`. A line of many widths is first looked at in a single launch, at every third of them; what lies
    between two that do not differ is left out. `fill` also times the operators for `predict`. Raises what
    `measure` raises.
    """
    words = [text("what to sweep", each) for each in what]
    values = checked(settings, SWEEP)
    lines = sweeps.lines(words, values)
    measuring = Measuring.of({**{each.name: each.default for each in TRACING}, **_alone(values)})
    name = "sweep-" + "-".join(word.rpartition(":")[2] for word in words)
    resume = measuring.resume
    lines = _as_begun(lines, resume) if resume else _worth_measuring(lines, measuring)
    families = tuple(each.family for each in lines)
    try:
        run = run_of(Suite(name, "", families), measuring)
    except NothingMeasuredError as error:
        if not values["params"] or values["inputs"]:
            raise
        by_name = f"1x{{{next(iter(dict(values['params'])))}}}x28x28"
        raise NothingMeasuredError(
            f"{error}. An input that depends on a parameter takes its name: give {given('inputs', by_name)}, with "
            "sizes of your own"
        ) from None
    if values["fill"]:
        fill(families, measuring.target, {}, measuring.tools)
    return run


def _alone(values: Values) -> Values:
    """Return the values without those of inputs, which the lines have."""
    return {name: value for name, value in values.items() if name not in ("batch", "dtype", "layout", "size")}


def _worth_measuring(lines: Sequence[SweptLine], measuring: Measuring) -> list[SweptLine]:
    """Return the lines with the widths that are worth it, as a single launch sees them."""
    coarse = [each.only(list(every_third(each.values))) for each in lines if len(each.values) > MANY]
    if not coarse:
        return list(lines)
    seen = _looked_at(coarse, measuring)
    return [each.only(_chosen(each, seen[each.family.name])) if each.family.name in seen else each for each in lines]


def _looked_at(lines: Sequence[SweptLine], measuring: Measuring) -> dict[str, FamilyResult]:
    suite = Suite("look", "", tuple(each.family for each in lines))
    with measured_aside(suite, measuring.target, replace(measuring.plan, launches=1), measuring.tools) as run:
        return {result.family.name: result for result in run.results}


def _as_begun(lines: Sequence[SweptLine], folder: Path) -> list[SweptLine]:
    """Return the lines with the widths that the run in a folder began with; a run of others refuses them."""
    suite = RunFolder(folder).environment.suite
    begun = {family.name: {each.name for each in family.variants} for family in suite.families} if suite else {}
    return [
        each.only([width for width in each.values if str(width) in begun.get(each.family.name, ())]) for each in lines
    ]


def _chosen(line: SweptLine, seen: FamilyResult) -> list[int]:
    seconds = {
        int(each.variant.name): each.timing.seconds.estimate / each.costs.flops
        for each in seen.records
        if each.timing and each.costs and each.costs.flops
    }
    return to_measure(line.values, seconds, CHANGE) if seconds else list(line.values)
