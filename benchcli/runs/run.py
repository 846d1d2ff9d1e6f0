"""Run a suite: survey, measure, keep what is finished, and judge it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

from benchcli.analysis.verdicts import verdicts
from benchcli.backends.devices.base import split_name
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.measure.allocator import STEADY, has_effect
from benchcli.measure.breakdown import Traces
from benchcli.measure.diagnostics import BUSY_SHARE
from benchcli.measure.engine import Observer, Progress, Run, measure
from benchcli.measure.process import Launcher
from benchcli.measure.survey import survey
from benchcli.runs.environment import Request, identify, opened
from benchcli.runs.run_folder import ResultsFolder
from benchcli.runs.tracing import lacking, trace
from benchcli.schema import Breakdown, Failure, FamilyResult, Key, Plan, Target, Verdict
from benchcli.system import machine
from benchcli.system.counters import look, unseen


@dataclass(frozen=True)
class Tools:
    """What a run is done with."""

    launcher: Launcher
    observer: Observer
    clock: Callable[[], float] = time.monotonic


@dataclass(frozen=True)
class Report:
    """A run that is over, as reporters show it."""

    environment: dict[str, Any]
    results: tuple[FamilyResult, ...]
    verdicts: tuple[Verdict, ...]
    folder: Path
    seconds: float | None
    """None where how long it took is not known: it was recorded."""
    breakdowns: tuple[Breakdown, ...] = ()
    """In the order of families and variants, several launches each; none where nobody asked."""
    untraced: Mapping[Key, Failure] = field(default_factory=dict)
    """Why a variant that has a time has no breakdown."""


class UnfinishedRunError(Exception):
    """The run ended before it was done; `report` holds what was finished, `unfinished` counts the other families."""

    def __init__(self, report: Report, unfinished: int, reason: str | None) -> None:
        super().__init__()
        self.report = report
        self.unfinished = unfinished
        self.reason = reason
        """Why; None where the person ended it."""


def run_suite(request: Request, tools: Tools, noticed: Sequence[str] = ()) -> Report:
    """Measure a suite and return what was found; `noticed` are warnings that every row gets.

    Raises UserError for what cannot be measured or written as asked, UnfinishedRunError on Ctrl-C, and
    NothingMeasuredError where no variant has a time.
    """
    start = tools.clock()
    folder, environment, results = opened(request)
    done = {result.family.name: result for result in results}
    ending: KeyboardInterrupt | NothingMeasuredError | None = None
    traces = Traces()
    try:
        for result in _measured(request, done, folder, environment, tools):
            done[result.family.name] = _with(noticed, result)
            folder.put(done[result.family.name])
        _weigh(environment, done.values(), request.target, folder)
        traces = trace(request, done.values(), folder, tools.launcher, partial(_tracing, tools.observer))
    except (KeyboardInterrupt, NothingMeasuredError) as error:
        ending = error
        traces = Traces(folder.breakdowns())
    finally:
        folder.close()
    report = _report(environment, list(done.values()), folder, tools.clock() - start, traces)
    _end(report, len(request.suite.families) - len(done), ending)
    return report


def _end(report: Report, unfinished: int, ending: KeyboardInterrupt | NothingMeasuredError | None) -> None:
    """Raise what says how the run ended, where it did not end well."""
    if isinstance(ending, KeyboardInterrupt):
        raise UnfinishedRunError(report, unfinished, None) from None
    if ending is not None and report.results:
        raise UnfinishedRunError(report, unfinished, str(ending)) from None
    if ending is not None:
        raise ending
    records = [record for result in report.results for record in result.records]
    if not any(record.timing for record in records):
        errors = [record.failure.error for record in records if record.failure]
        raise NothingMeasuredError(f"nothing was measured, see {report.folder}: {errors[0]}")


def _tracing(observer: Observer, family: str) -> None:
    observer(Progress(f"{family}: where the time goes", 1.0, 1.0))


def _with(noticed: Sequence[str], result: FamilyResult) -> FamilyResult:
    """Add warnings that were known before to every row, in place of those of their kind that came while measuring."""
    kinds = tuple(code.partition(":")[0] for code in noticed)
    records = (
        replace(record, warnings=(*noticed, *(code for code in record.warnings if code.partition(":")[0] not in kinds)))
        for record in result.records
    )
    return replace(result, records=tuple(records))


def describe(target: Target, launcher: Launcher) -> dict[str, Any]:
    """Return what a run on this target would be measured on. Raises UserError where the device is not there."""
    found = survey((), target, Plan(), launcher)
    here = machine.machine()
    return {
        "machine": here,
        "device": {"name": target.device, **found.device},
        "software": dict(found.software),
        "settings": {name: value for name, value in asdict(target).items() if name != "device"},
        "others": dict(found.available),
        "identity": {"digest": machine.digest(here, found.software, found.device, asdict(target))},
    }


def preflight(target: Target, busy_cores: Callable[[], float | None]) -> list[str]:
    """Return the warnings that are known before anything is measured; the machine is looked at where that matters."""
    cores = machine.usable_cores()
    codes = []
    if target.threads > cores:
        codes.append(f"threads:{target.threads} threads on {cores} usable cores")
    elif target.threads > 1 and (busy := busy_cores() or 0.0) > cores - target.threads + BUSY_SHARE * cores:
        codes.append(f"threads:{target.threads} threads, with {busy:.1f} of {cores} cores busy with other work")
    if target.allocator == STEADY.name and not has_effect():
        codes.append(f"allocator:{machine.system()}")
    return codes


def _measured(
    request: Request,
    done: Mapping[str, FamilyResult],
    folder: ResultsFolder,
    environment: dict[str, Any],
    tools: Tools,
) -> Iterator[FamilyResult]:
    rest = [family for family in request.suite.families if family.name not in done]
    if not rest and not lacking(request, done.values(), folder):
        return
    begun_s = tools.clock()
    tools.observer(Progress("counting costs", 0.0, request.plan.budget_s * len(rest)))
    try:
        found = survey(rest, request.target, request.plan, tools.launcher)
        identify(environment, request.target, found)
    except (UserError, NothingMeasuredError):
        if request.resume is None:
            folder.discard()
        raise
    folder.describe(environment)
    run = Run(
        name=environment["run"],
        suite=request.suite.name,
        target=request.target,
        plan=request.plan,
        survey=found,
        launcher=tools.launcher,
        observer=tools.observer,
        clock=tools.clock,
        begun_s=begun_s,
        first_launch=folder.next_launch(),
    )
    yield from measure(rest, run)


def _weigh(environment: dict[str, Any], results: Iterable[FamilyResult], target: Target, folder: ResultsFolder) -> None:
    """Add what the harness itself costs, and what the watch could not see."""
    conditions = [each for result in results for each in result.conditions]
    if not conditions:
        return
    now = look()
    workers = [each.memory_bytes for each in conditions if each.memory_bytes is not None]
    environment["harness"] = {
        "call_overhead_s": max(each.call_overhead_s for each in conditions),
        "worker_memory_bytes": max(workers) if workers else None,
        "memory_bytes": now.memory_bytes,
    }
    accelerator = split_name(target.device)[0] != "cpu" and all(each.clock_hz is None for each in conditions)
    environment["unseen"] = [*unseen(now), *(["the accelerator's clock"] if accelerator else [])]
    folder.describe(environment)


def _report(
    environment: dict[str, Any], results: list[FamilyResult], folder: ResultsFolder, seconds: float, traces: Traces
) -> Report:
    order = [family["name"] for family in environment["suite"]["families"]]
    ordered = tuple(sorted(results, key=lambda result: order.index(result.family.name)))
    return Report(
        environment=environment,
        results=ordered,
        verdicts=tuple(verdicts(ordered)),
        folder=folder.path,
        seconds=seconds,
        breakdowns=tuple(traces.breakdowns),
        untraced=traces.failures,
    )
