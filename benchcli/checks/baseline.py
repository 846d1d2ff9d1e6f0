"""Check a suite against a recorded run of it (the baseline run).

Costs are compared exactly, times only on the same machine: each network's time divided by that of
the reference network, which both runs measured in the same launches. Absolute times are not
compared: on a shared machine they vary between runs by more than most code changes do.
"""

from collections.abc import Callable, Iterable, Sequence
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

from benchcli.checks.against_run import BesideSeries, Now, against
from benchcli.checks.check_folder import FINDINGS, conclude
from benchcli.checks.clean_references import CleanReferences
from benchcli.checks.findings import ordered
from benchcli.checks.session import CheckReport, CheckRequest, UnfinishedCheckError, heading_of
from benchcli.errors import NothingMeasuredError, UserError, unknown
from benchcli.runs.folder import refuse_others
from benchcli.runs.measured_suite import RunRequest, UnfinishedRunError, run_suite
from benchcli.runs.run_environment import begun, changed_since, digest_of
from benchcli.runs.suite_run import SuiteRun
from benchcli.sampling.supervise import Survey, survey
from benchcli.sampling.timings import reference_speed
from benchcli.schema import Family, FamilyResult, Key, Plan, Record, Suite, Target
from benchcli.schema.environment import CheckFacts
from benchcli.schema.warnings import RunWarning, merged
from benchcli.spelling import given
from benchcli.store.stored_runs import read
from benchcli.workers.tools import Tools
from benchcli.workloads.suites import families_of_suite, find_suite

THRESHOLD = 0.05
"""The least change of a time, relative to the reference network, that counts.

It exceeds the threshold of `check --base`, because conditions differ between two runs too.
"""
SERIES_THRESHOLD = 0.02
"""The same beside a series of runs, whose level is known better than that of one run."""


JudgeRecord = Callable[[Record, str | None], BesideSeries | str]
"""Judges a record of a run with some digest by many earlier runs."""


def check_baseline(request: CheckRequest, path: Path, tools: Tools, judge: JudgeRecord | None = None) -> CheckReport:
    """Check a suite against the run recorded in the folder `path`, times by `judge` if there is one.

    Raises UserError if the two cannot be compared, and UnfinishedCheckError if the measurement
    ended early.
    """
    then, file = read(path), find_suite(request.suite)
    if then.unfinished:
        raise UserError(f"{path} is not finished ({', '.join(then.unfinished)}): resume it, or record it again")
    families, then = _select(tuple(families_of_suite(file, request.overrides)), then, request.only)
    start_s = tools.clock()
    now, report, ending = _measured(request, Suite(file.name, file.description, families), then, tools)
    threshold = request.threshold or (SERIES_THRESHOLD if judge else THRESHOLD)
    if judge and report:
        digest = digest_of(report.environment)
        now = replace(now, judge=lambda record: judge(record, digest))
    chosen = (
        each
        for each in against(then, now, threshold, request.allowed)
        if not request.only or {each.family, each.where} & set(request.only)
    )
    findings = ordered(replace(each, rerun=request.command(each.where)) for each in chosen)
    heading = heading_of(f"baseline {path}{', and runs before it' if judge else ''}", request.target)
    check = replace(
        _settings(file.name, request, then),
        heading=heading,
        findings=len(findings),
        seconds=tools.clock() - start_s,
        threshold=threshold,
        warnings=_warnings(report.records if report else ()),
        timed=report is not None,
    )
    environment = replace(report.environment if report else begun(f"check-{file.name}"), check=check)
    folder = report.folder if report else None
    if folder:
        conclude(folder, environment, findings)
    check_report = CheckReport(file.name, heading, environment, findings, folder)
    if ending:
        raise UnfinishedCheckError(check_report, ending.reason)
    return check_report


def _settings(name: str, request: CheckRequest, then: SuiteRun) -> CheckFacts:
    return CheckFacts(
        suite=name,
        baseline=str(then.folder),
        baseline_run=then.environment.run,
        costs_only=request.costs_only,
        fail_if_mde_above=request.fail_if_mde_above,
    )


def _measured(
    request: CheckRequest, suite: Suite, then: SuiteRun, tools: Tools
) -> tuple[Now, SuiteRun | None, UnfinishedRunError | None]:
    """Return what is measured now, with the run of its times and the reason why that ended early, if any."""
    with tools.workers() as launcher:
        surveyed = survey(suite.families, request.target, Plan(), launcher)
        untimed = None if request.costs_only else _reason_untimed(request.target, then, surveyed)
        timed = not request.costs_only and untimed is None and bool(surveyed.costs)
        clean = CleanReferences(launcher)
        same_launcher = replace(tools, workers=lambda: nullcontext(clean.run))
        report, ending = _run(request, suite, same_launcher) if timed else (None, None)
    now = Now(
        families=suite.families,
        costs=surveyed.costs,
        failures=surveyed.failures.by_key,
        timed=timed,
        records=_records(then, report) if report else {},
        untimed=untimed,
        hidden={
            result.family.name: why
            for result in (report.results if report else ())
            if (why := clean.why_not_compared(result))
        },
    )
    return now, report, ending


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
    if then.environment.digest != digest_of(then.environment):
        return (
            "times are not compared, because the recorded digest is not that of the machine beside it: record it again"
        )
    facts = changed_since(then.environment, target, surveyed)
    if not facts:
        return None
    changed = ", ".join(f"{name} {before} then, {now} now" for name, before, now in facts)
    return (
        f"times are not compared, because the recorded run has another machine, version or setting ({changed}); "
        f"{given('costs_only')} compares costs alone"
    )


def _run(request: CheckRequest, suite: Suite, tools: Tools) -> tuple[SuiteRun | None, UnfinishedRunError | None]:
    """Run the suite. Return the report of what finished, and the error if the run ended early.

    The families share the budget equally; none gets more than the default budget of a family.
    Raises UserError if the folder has a file that would be written over.
    """
    if request.output:
        refuse_others(request.output, (FINDINGS,))
    plan = Plan(budget_s=min(Plan().budget_s, request.budget_s / len(suite.families)))
    try:
        return run_suite(RunRequest(suite, request.target, plan, request.output), tools), None
    except UnfinishedRunError as error:
        return error.report, error
    except NothingMeasuredError:  # the survey has counted the costs all the same
        return None, None


def _warnings(records: Iterable[Record]) -> tuple[RunWarning, ...]:
    """Return the warnings about disturbances, those of one cause merged."""
    return tuple(merged(each for record in records for each in record.warnings if each.is_disturbance))


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
