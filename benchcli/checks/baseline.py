"""Check a suite against a recorded run of it (the baseline run).

Costs are compared exactly, times only on the same machine: each network's time divided by that of
the reference network, which both runs measured in the same launches. Absolute times are not
compared: on a shared machine they vary between runs by more than most code changes do.
"""

from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from benchcli.checks.against_run import Now, against
from benchcli.checks.check_folder import conclude
from benchcli.checks.ending import ordered
from benchcli.checks.session import CheckReport, CheckRequest, UnfinishedCheckError, heading_of
from benchcli.errors import NothingMeasuredError, UserError, unknown
from benchcli.noise.diagnostics import is_disturbance, merged
from benchcli.runs.measured_suite import RunRequest, UnfinishedRunError, run_suite
from benchcli.runs.read import mismatches, read
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.supervise import Survey, survey
from benchcli.sampling.timings import reference_speed
from benchcli.schema import Family, FamilyResult, Key, Plan, Record, Suite, Target
from benchcli.system import machine
from benchcli.workers.tools import Tools
from benchcli.workloads.suites import families_of_suite, find_suite

THRESHOLD = 0.05
"""The least change of a time, relative to the reference network, that counts.

It exceeds the threshold of `check --base`, because conditions differ between two runs too.
"""


def check_baseline(request: CheckRequest, path: Path, tools: Tools) -> CheckReport:
    """Check a suite against the run recorded in the folder `path`.

    Raises UserError if the two cannot be compared, and UnfinishedCheckError if the measurement
    ended early.
    """
    then, file = read(path), find_suite(request.suite)
    if then.unfinished:
        raise UserError(f"{path} is not finished ({', '.join(then.unfinished)}): resume it, or record it again")
    families, then = _select(tuple(families_of_suite(file, request.overrides)), then, request.only)
    suite, start_s = Suite(file.name, file.description, families), tools.clock()
    with tools.workers() as launcher:
        surveyed = survey(families, request.target, Plan(), launcher)
        untimed = None if request.costs_only else _reason_untimed(request.target, then, surveyed)
        timed = not request.costs_only and untimed is None and bool(surveyed.costs)
        same_launcher = replace(tools, workers=lambda: nullcontext(launcher))
        report, ending = _run(request, suite, same_launcher) if timed else (None, None)
    threshold = THRESHOLD if request.threshold is None else request.threshold
    now = _now(then, families, surveyed, report, timed, untimed)
    findings = ordered(
        replace(each, rerun=request.command(each.where))
        for each in against(then, now, threshold, request.allowed)
        if not request.only or each.family in request.only or each.where in request.only
    )
    heading = heading_of(f"baseline {path}", request.target)
    facts = _facts(file.name, then, report, threshold, tools.clock() - start_s, request.costs_only)
    check = {"check": {**facts, "heading": heading, "findings": len(findings)}}
    environment, folder = {**(report.environment if report else {}), **check}, report.folder if report else None
    check_report = CheckReport(file.name, heading, environment, findings, folder)
    if folder:
        conclude(folder, environment, findings)
    if ending:
        raise UnfinishedCheckError(check_report, ending.reason)
    return check_report


def _select(families: tuple[Family, ...], then: SuiteRun, names: Sequence[str]) -> tuple[tuple[Family, ...], SuiteRun]:
    """Return the named families of the suite and of the recorded run; all if none is named.

    A named network selects its whole family, which shares its launches. Raises UserError if a
    family is unknown, and NothingMeasuredError if suite and run have no family in common.
    """
    all_names = dict.fromkeys([*(family.name for family in families), *(record.family.name for record in then.records)])
    networks = {f"{family.name}/{variant.name}" for family in families for variant in family.variants}
    networks |= {"/".join(record.key) for record in then.records}
    for name in names:
        if name not in all_names and name not in networks:
            raise unknown("family or network", name, [*all_names, *sorted(networks)])
    wanted = {name if name in all_names else name.partition("/")[0] for name in names}
    if not {family.name for family in families} & {record.family.name for record in then.records}:
        raise NothingMeasuredError(
            f"{then.folder} is a run of another suite, with none of this one's families: record a run of this suite"
        )
    if not wanted:
        return families, then
    results = tuple(result for result in then.results if result.family.name in wanted)
    return tuple(family for family in families if family.name in wanted), replace(then, results=results)


def _reason_untimed(target: Target, then: SuiteRun, surveyed: Survey) -> str | None:
    """Return why times cannot be compared; None if they can."""
    here = {
        "machine": machine.machine(),
        "software": dict(surveyed.software),
        "device": dict(surveyed.device),
        "target": asdict(target),
    }
    digest = machine.digest(here["machine"], surveyed.software, surveyed.device, asdict(target))
    recorded_digest = machine.digest(*(then.environment[part] for part in ("machine", "software", "device", "target")))
    if then.environment.get("digest") != recorded_digest:
        return (
            "times are not compared, because the recorded digest is not that of the machine beside it: record it again"
        )
    if recorded_digest == digest:
        return None
    facts = mismatches(then.environment, here) or [("digest", recorded_digest, digest)]
    changed = ", ".join(f"{name} {before} then, {now} now" for name, before, now in facts)
    return (
        f"times are not compared, because the recorded run has another machine, version or setting ({changed}); "
        "--costs-only compares costs alone"
    )


def _run(request: CheckRequest, suite: Suite, tools: Tools) -> tuple[SuiteRun | None, UnfinishedRunError | None]:
    """Run the suite. Return the report of what finished, and the error if the run ended early.

    The families share the budget equally; none gets more than the default budget of a family.
    """
    plan = Plan(budget_s=min(Plan().budget_s, request.budget_s / len(suite.families)))
    try:
        return run_suite(RunRequest(suite, request.target, plan, request.output), tools), None
    except UnfinishedRunError as error:
        return error.report, error
    except NothingMeasuredError:  # the survey has counted the costs all the same
        return None, None


def _facts(
    name: str, then: SuiteRun, report: SuiteRun | None, threshold: float, seconds: float, costs_only: bool
) -> dict[str, Any]:
    records = report.records if report else ()
    codes = dict.fromkeys(code for record in records for code in record.warnings if is_disturbance(code))
    return {
        "suite": name,
        "baseline": str(then.folder),
        "baseline_run": then.environment.get("run"),
        "threshold": threshold,
        "costs_only": costs_only,
        "timed": report is not None,
        "warnings": list(merged(list(codes))),
        "seconds": seconds,
    }


def _records(then: SuiteRun, report: SuiteRun) -> dict[Key, Record]:
    """Return the records, each with its speed relative to the reference of its recorded row.

    A change of the network can make another reference the nearest, and only equal ones compare.
    """
    before = then.by_key()
    pairs = ((record, result) for result in report.results for record in result.records)
    return {record.key: _relative_to(before.get(record.key), record, result) for record, result in pairs}


def _relative_to(before: Record | None, record: Record, result: FamilyResult) -> Record:
    then = before.timing.reference if before and before.timing else None
    now = record.timing.reference if record.timing else None
    if then is None or now is None or record.timing is None or then.name == now.name:
        return record
    reference, samples = ([s for s in result.samples if s.variant == name] for name in (then.name, record.variant.name))
    speed = reference_speed(then.name, reference, samples)
    return replace(record, timing=replace(record.timing, reference=speed or now))


def _now(
    then: SuiteRun,
    families: tuple[Family, ...],
    surveyed: Survey,
    report: SuiteRun | None,
    timed: bool,
    untimed: str | None,
) -> Now:
    return Now(
        families=families,
        costs=surveyed.costs,
        failures=surveyed.failures.by_key,
        timed=timed,
        records=_records(then, report) if report else {},
        untimed=untimed,
    )
