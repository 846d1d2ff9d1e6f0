"""Run a suite: survey, measure, keep what is finished, and judge it."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from benchcli import machine
from benchcli.devices.base import split_name
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.folder import unused
from benchcli.measure.allocator import STEADY, has_effect
from benchcli.measure.disturbances import BUSY_SHARE
from benchcli.measure.engine import Observer, Progress, Run, measure
from benchcli.measure.process import Launcher
from benchcli.measure.survey import Survey, survey
from benchcli.measure.watch import look, unseen
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
    seconds: float


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
    folder, environment, results = _open(request)
    done = {result.family.name: result for result in results}
    rest = [family for family in request.suite.families if family.name not in done]
    ending: BaseException | None = None
    try:
        for result in _measured(request, rest, folder, environment, tools):
            done[result.family.name] = _with(noticed, result)
            folder.put(done[result.family.name])
        _weigh(environment, done.values(), request.target, folder)
    except (KeyboardInterrupt, NothingMeasuredError) as error:
        ending = error
    finally:
        folder.close()
    results = list(done.values())
    report = _report(environment, results, folder, tools.clock() - start)
    if ending is not None and (results or isinstance(ending, KeyboardInterrupt)):
        reason = None if isinstance(ending, KeyboardInterrupt) else str(ending)
        raise UnfinishedRunError(report, len(request.suite.families) - len(results), reason) from None
    if ending is not None:
        raise ending
    if not any(record.timing for result in results for record in result.records):
        errors = [r.failure.error for result in results for r in result.records if r.failure]
        raise NothingMeasuredError(f"nothing was measured, see {folder.path}: {errors[0]}")
    return report


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


def _open(request: Request) -> tuple[ResultsFolder, dict[str, Any], list[FamilyResult]]:
    """Make or reopen the folder before any time is spent on measuring."""
    asked = _asked(request)
    if request.resume is None:
        started = datetime.now(UTC)
        name = f"{started:%Y%m%dT%H%M%SZ}-{request.suite.name}-{machine.host()}"
        path = request.output or unused(Path("results") / name)
        environment = {"schema": SCHEMA, "run": name, "started": f"{started:%Y-%m-%dT%H:%M:%SZ}", **asked}
        return ResultsFolder.create(path, environment), environment, []
    folder = ResultsFolder.reopen(request.resume)
    try:
        return _resumed(request.resume, folder, asked, request)
    except UserError:
        folder.close()
        raise


def _resumed(
    path: Path, folder: ResultsFolder, asked: Mapping[str, Any], request: Request
) -> tuple[ResultsFolder, dict[str, Any], list[FamilyResult]]:
    """Return what a run that was cut short has. Raises UserError where it was another run."""
    environment = folder.environment
    for key, value in asked.items():
        if environment.get(key) != value:
            raise UserError(_other_options(path, key, environment.get(key), value))
    finished = folder.finished(request.suite.families, request.target)
    folder.keep_only(finished)
    families = {family.name: family for family in request.suite.families}
    return folder, environment, [FamilyResult(families[n], records, ()) for n, records in finished.items()]


def _other_options(folder: Path, key: str, before: Any, now: Any) -> str:
    """Say which option differs from the one that a run was begun with, as far as one can be named."""
    if isinstance(before, dict) and isinstance(now, dict) and key != "suite":
        for name in now:
            if before.get(name) != now[name]:
                option, unit = f"--{name.removesuffix('_s')}", "s" if name.endswith("_s") else ""
                asked = f"{option} {before.get(name)}{unit}, not {now[name]}{unit}"
                return f"{folder} was begun with {asked}: resume it with the options it was begun with"
    return f"{folder} was begun with another {key}: resume it with the verb and the options it was begun with"


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
    request: Request, rest: Sequence[Family], folder: ResultsFolder, environment: dict[str, Any], tools: Tools
) -> Iterator[FamilyResult]:
    if not rest:
        return
    begun_s = tools.clock()
    tools.observer(Progress("counting costs", 0.0, request.plan.budget_s * len(rest)))
    try:
        found = survey(rest, request.target, request.plan, tools.launcher)
        _identify(environment, request.target, found)
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


def _report(environment: dict[str, Any], results: list[FamilyResult], folder: ResultsFolder, seconds: float) -> Report:
    order = [family["name"] for family in environment["suite"]["families"]]
    ordered = tuple(sorted(results, key=lambda result: order.index(result.family.name)))
    return Report(environment, ordered, tuple(verdicts(ordered)), folder.path, seconds)
