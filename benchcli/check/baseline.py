"""Check a suite against a recorded run of it (the baseline run).

Costs are compared exactly, relative speeds only on the same machine. Absolute times are not
compared: on a shared machine they vary between runs by more than most code changes do.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchcli import formatting
from benchcli.check.findings import Finding, Outcome, Subject, costs_outcome, is_allowed, ordered
from benchcli.check.pairs import difference
from benchcli.check.session import CheckReport, CheckRequest, UnfinishedCheckError, heading_of
from benchcli.errors import NothingMeasuredError, UserError, unknown
from benchcli.measure.diagnostics import disturbed
from benchcli.measure.supervise import Survey, survey
from benchcli.measure.tools import Tools
from benchcli.runs.read import Recorded, mismatches, read
from benchcli.runs.run import RunReport, RunRequest, UnfinishedRunError, run_suite
from benchcli.schema import Costs, Failure, Family, Interval, Key, Plan, Record, Suite, Target
from benchcli.statistics import quotient
from benchcli.system import machine
from benchcli.workloads.overrides import families_of_suite
from benchcli.workloads.suites import find_suite

THRESHOLD = 0.05
"""The least change of a relative speed that counts.

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
    now = _now(families, surveyed, report, timed, untimed)
    findings = ordered(
        replace(each, rerun=request.command(each.family)) for each in against(then, now, threshold, request.allowed)
    )
    check_report = CheckReport(
        name=file.name,
        heading=heading_of(f"baseline {path}", request.target),
        environment=_environment(file.name, then, report, threshold, tools.clock() - start_s),
        findings=findings,
        folder=report.folder if report else None,
    )
    if ending:
        raise UnfinishedCheckError(check_report, ending.reason)
    return check_report


def _select(families: tuple[Family, ...], then: Recorded, names: Sequence[str]) -> tuple[tuple[Family, ...], Recorded]:
    """Return the named families of the suite and of the recorded run; all if none is named.

    A named network selects its whole family, because its speed is relative to the baseline.
    Raises UserError if a family is unknown, or if suite and run have no family in common.
    """
    all_names = dict.fromkeys([*(family.name for family in families), *(record.family.name for record in then.records)])
    wanted = {name.partition("/")[0] for name in names}
    for name in wanted:
        if name not in all_names:
            raise unknown("family", name, all_names)
    if not {family.name for family in families} & {record.family.name for record in then.records}:
        raise UserError(f"{then.path} is a run of another suite: it has none of this one's families")
    if not wanted:
        return families, then
    records = tuple(record for record in then.records if record.family.name in wanted)
    return tuple(family for family in families if family.name in wanted), replace(then, records=records)


def _reason_untimed(target: Target, then: Recorded, surveyed: Survey) -> str | None:
    """Return why times cannot be compared; None if they can."""
    here = {
        "machine": machine.machine(),
        "software": dict(surveyed.software),
        "device": dict(surveyed.device),
        "target": asdict(target),
    }
    digest = machine.digest(here["machine"], surveyed.software, surveyed.device, asdict(target))
    recorded_digest = then.environment.get("digest")
    if recorded_digest == digest:
        return None
    facts = mismatches(then.environment, here) or [("digest", recorded_digest, digest)]
    changed = ", ".join(f"{name} {before} then, {now} now" for name, before, now in facts)
    return (
        f"not compared: the baseline is of another machine, version or setting ({changed}); --costs-only asks for none"
    )


def _run(request: CheckRequest, suite: Suite, tools: Tools) -> tuple[RunReport | None, UnfinishedRunError | None]:
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


def _environment(
    name: str, then: Recorded, report: RunReport | None, threshold: float, seconds: float
) -> dict[str, Any]:
    records = report.records if report else ()
    codes = dict.fromkeys(code for record in records for code in record.warnings) if disturbed(records) else {}
    return {
        **(report.environment if report else {}),
        "check": {
            "suite": name,
            "baseline": str(then.path),
            "baseline_run": then.environment.get("run"),
            "threshold": threshold,
            "costs_only": report is None,
            "warnings": list(codes),
            "seconds": seconds,
        },
    }


@dataclass(frozen=True)
class Now:
    """The current state of the suite."""

    families: tuple[Family, ...]
    costs: Mapping[Key, Costs]
    failures: Mapping[Key, Failure]
    timed: bool
    """Whether the check measured times, or tried to."""
    records: Mapping[Key, Record]
    untimed: str | None
    """Why times were not measured; None if they were, or if only costs were requested."""


def _now(
    families: tuple[Family, ...], surveyed: Survey, report: RunReport | None, timed: bool, untimed: str | None
) -> Now:
    return Now(
        families=families,
        costs=surveyed.costs,
        failures=surveyed.failures.by_key,
        timed=timed,
        records={record.key: record for record in report.records} if report else {},
        untimed=untimed,
    )


def against(then: Recorded, now: Now, threshold: float, allowed: tuple[str, ...]) -> Iterator[Finding]:
    """Yield the findings on every network of the suite and of the recorded run."""
    before = then.by_key()
    today = {(family.name, variant.name): family for family in now.families for variant in family.variants}
    for key in dict.fromkeys([*today, *before]):
        yield from _network_findings(key, before.get(key), today.get(key), now, threshold, allowed)


def _network_findings(
    key: Key, before: Record | None, family: Family | None, now: Now, threshold: float, allowed: tuple[str, ...]
) -> Iterator[Finding]:
    def finding(subject: Subject, outcome: Outcome, text: str, change: Interval | None = None) -> Finding:
        builder, intended = _builder(key, before, family), is_allowed(subject, outcome, allowed)
        return Finding(*key, subject, outcome, text, builder, change=change, allowed=intended)

    if before is None or before.failure:
        why = "the baseline does not have it" if before is None or before.failure is None else before.failure.error
        yield finding("network", "new", f"there is nothing to compare it with: {why}")
    elif family is None:
        yield finding("network", "gone", "the baseline has it, the suite does not")
    elif other := _input_difference(before, family, key):
        yield finding("network", "gone", f"the suite measures something else under its name: {other}")
    elif key in now.failures:
        failure = now.failures[key]
        yield finding("network", "failed", f"the baseline ran it, and it fails now ({failure.status}): {failure.error}")
    else:
        yield finding("costs", *_costs(before, now.costs[key]))
        if now.untimed:
            yield finding("time", "unmeasured", now.untimed)
        elif now.timed and family.baseline != key[1]:
            record = now.records.get(key)
            result = _time(before, record, threshold) if record else ("unmeasured", "the check ended before it", None)
            yield finding("time", *result)


def _builder(key: Key, before: Record | None, family: Family | None) -> str:
    variants = (*(family.variants if family else ()), *([before.variant] if before else []))
    return next(variant.builder for variant in variants if variant.name == key[1])


def _input_difference(before: Record, family: Family, key: Key) -> str | None:
    """Return how the input differs; None if it does not. Ratios of different work mean nothing."""
    variant = next(each for each in family.variants if each.name == key[1])
    then, now = (
        {**of.inputs, "baseline": of.baseline, "an input of": one.shape}
        for of, one in ((before.family, before.variant), (family, variant))
    )
    return difference(then, now, ("then", "now"))


def _costs(before: Record, now: Costs) -> tuple[Outcome, str]:
    if before.costs is None:
        return "unmeasured", "the baseline has no costs"
    return costs_outcome(before.costs, now)


def _time(before: Record, now: Record, threshold: float) -> tuple[Outcome, str, Interval | None]:
    """Judge a change of relative speed. It counts if its whole interval is beyond `threshold`."""
    then, today = before.timing, now.timing
    if now.failure:
        return "failed", f"the baseline ran it, and it fails now ({now.failure.status}): {now.failure.error}", None
    if today is None or today.relative is None:
        return "unmeasured", "it has no relative speed now: its family's first network has no time", None
    if then is None or then.relative is None:
        return "unmeasured", "the baseline has no relative speed", None
    change = quotient(then.relative, today.relative)
    speeds = f"relative speed {then.relative.estimate:.3f} then, {today.relative.estimate:.3f} now"
    text = f"{formatting.change(change)} against its family's baseline ({speeds})"
    if change.min_log_change > math.log1p(threshold):
        return ("slower" if change.estimate > 1 else "faster"), text, change
    if change.is_within(threshold):
        return "same", text, change
    return "inconclusive", f"{text}; its interval includes the threshold of {formatting.percent(threshold)}", change
