"""Run a suite: survey, measure, keep what is finished, and judge it."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchcli import machine
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.measure.allocator import STEADY, has_effect
from benchcli.measure.engine import Observer, Progress, Run, measure
from benchcli.measure.process import Launcher
from benchcli.measure.survey import Survey, survey
from benchcli.records import SCHEMA
from benchcli.results import ResultsFolder
from benchcli.schema import Family, FamilyResult, Plan, Suite, Target, Verdict
from benchcli.verdicts import verdicts


@dataclass(frozen=True)
class Request:
    """A suite to be measured, where, how much, and into which folder."""

    suite: Suite
    target: Target
    plan: Plan
    output: Path | None
    resume: Path | None


@dataclass(frozen=True)
class Report:
    """A run that is over, as reporters show it."""

    environment: dict[str, Any]
    results: tuple[FamilyResult, ...]
    verdicts: tuple[Verdict, ...]
    folder: Path
    seconds: float


class InterruptedRunError(Exception):
    """The person ended the run; `report` holds what was finished, and `unfinished` counts the other families."""

    def __init__(self, report: Report, unfinished: int) -> None:
        super().__init__()
        self.report = report
        self.unfinished = unfinished


def run_suite(
    request: Request, launcher: Launcher, observer: Observer, clock: Callable[[], float] = time.monotonic
) -> Report:
    """Measure a suite and return what was found.

    Raises UserError for what cannot be measured or written as asked, InterruptedRunError on Ctrl-C, and
    NothingMeasuredError where no variant has a time.
    """
    start = clock()
    folder, environment, results = _open(request)
    rest = [f for f in request.suite.families if f.name not in {result.family.name for result in results}]
    try:
        for result in _measured(request, rest, folder, environment, launcher, observer, clock):
            folder.append(result)
            results.append(result)
    except KeyboardInterrupt:
        report = _report(environment, results, folder, clock() - start)
        raise InterruptedRunError(report, len(request.suite.families) - len(results)) from None
    report = _report(environment, results, folder, clock() - start)
    if not any(record.timing for result in results for record in result.records):
        errors = [r.failure.error for result in results for r in result.records if r.failure]
        raise NothingMeasuredError(f"nothing was measured, see {folder.path}: {errors[0]}")
    return report


def describe(target: Target, launcher: Launcher) -> dict[str, Any]:
    """Return what a run on this target would be measured on. Raises UserError where the device is not there."""
    found = survey((), target, Plan(), launcher)
    here = machine.machine()
    return {
        "machine": here,
        "device": {"name": target.device, **found.device},
        "software": dict(found.software),
        "settings": {"threads": target.threads, "runtime": target.runtime, "allocator": target.allocator},
        "others": dict(found.available),
        "identity": {"digest": machine.digest(here, found.software, found.device, asdict(target))},
    }


def _open(request: Request) -> tuple[ResultsFolder, dict[str, Any], list[FamilyResult]]:
    """Make or reopen the folder before any time is spent on measuring."""
    asked = _asked(request)
    if request.resume is None:
        started = datetime.now(UTC)
        name = f"{started:%Y%m%dT%H%M%SZ}-{request.suite.name}-{machine.host()}"
        path = request.output or Path("results") / name
        environment = {"schema": SCHEMA, "run": name, "started": f"{started:%Y-%m-%dT%H:%M:%SZ}", **asked}
        folder = ResultsFolder.create(path)
        folder.describe(environment)
        return folder, environment, []
    folder = ResultsFolder.reopen(request.resume)
    environment = folder.environment
    for key, value in asked.items():
        if environment.get(key) != value:
            raise UserError(
                f"{request.resume} was measured with another {key}: resume it with the options it was begun with"
            )
    finished = folder.finished(request.suite.families, request.target)
    folder.keep_only(finished)
    families = {family.name: family for family in request.suite.families}
    return folder, environment, [FamilyResult(families[n], records, ()) for n, records in finished.items()]


def _asked(request: Request) -> dict[str, Any]:
    """Return what must be equal for a run to be resumed, as JSON gives it back."""
    families = [
        {**asdict(family), "variants": [{**asdict(v), "shape": list(v.shape)} for v in family.variants]}
        for family in request.suite.families
    ]
    return {
        "suite": {"name": request.suite.name, "families": families},
        "target": asdict(request.target),
        "plan": asdict(request.plan),
    }


def _measured(
    request: Request,
    rest: Sequence[Family],
    folder: ResultsFolder,
    environment: dict[str, Any],
    launcher: Launcher,
    observer: Observer,
    clock: Callable[[], float],
) -> Iterator[FamilyResult]:
    if not rest:
        return
    observer(Progress("counting costs", 0.0, request.plan.budget_s * len(rest)))
    try:
        found = survey(rest, request.target, request.plan, launcher)
        _identify(environment, request.target, found)
    except (UserError, NothingMeasuredError):
        if request.resume is None:
            folder.discard()
        raise
    folder.describe(environment)
    run = Run(environment["run"], request.suite.name, request.target, request.plan, found, launcher, observer, clock)
    codes = _target_warnings(request.target)
    for result in measure(rest, run):
        records = tuple(replace(record, warnings=(*codes, *record.warnings)) for record in result.records)
        yield replace(result, records=records)


def _identify(environment: dict[str, Any], target: Target, found: Survey) -> None:
    """Add the machine, the versions and their digest. Raises UserError where a resumed run had others."""
    here = machine.machine()
    digest = machine.digest(here, found.software, found.device, asdict(target))
    if environment.get("digest", digest) != digest:
        raise UserError(
            f"the run was begun on another machine or with other versions (digest {environment['digest']}, here "
            f"{digest}): start a new one with --output"
        )
    environment.update(
        digest=digest,
        machine=here,
        software=dict(found.software),
        device=dict(found.device),
        commit=machine.commit(),
    )


def _target_warnings(target: Target) -> list[str]:
    cores = machine.usable_cores()
    codes = [f"threads:{target.threads} threads on {cores} usable cores"] if target.threads > cores else []
    if target.allocator == STEADY.name and not has_effect():
        codes.append(f"allocator:{machine.system()}")
    return codes


def _report(environment: dict[str, Any], results: list[FamilyResult], folder: ResultsFolder, seconds: float) -> Report:
    order = [family["name"] for family in environment["suite"]["families"]]
    ordered = tuple(sorted(results, key=lambda result: order.index(result.family.name)))
    return Report(environment, ordered, tuple(verdicts(ordered)), folder.path, seconds)
