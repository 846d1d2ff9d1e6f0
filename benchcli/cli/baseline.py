"""What `benchcli check --baseline` does: measure the suite, and hold it against a recorded run."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from benchcli import formatting
from benchcli.check.baseline import THETA, Now, against
from benchcli.check.findings import Finding, exit_code, ordered
from benchcli.check.sides import say
from benchcli.cli.main import INTERRUPTED, NOT_MEASURED
from benchcli.cli.options import target_of
from benchcli.cli.output import destinations, show
from benchcli.cli.progress import progress
from benchcli.cli.session import Session
from benchcli.errors import NothingMeasuredError, UserError, unknown
from benchcli.measure.advice import disturbed, sentence
from benchcli.measure.survey import Survey, survey
from benchcli.report.views.check import page
from benchcli.runs.environment import Request
from benchcli.runs.read import Recorded, mismatches, read
from benchcli.runs.run import Report, Tools, UnfinishedRunError, preflight, run_suite
from benchcli.schema import Family, Plan, Suite, Target
from benchcli.system import machine
from benchcli.workloads.overrides import families_of_suite
from benchcli.workloads.suites import find_suite

FOR_VERSIONS = ("head", "separate", "require_clean")
"""Options that say something of a version to compare with."""
MEASURES = "the first network of a family has no change: it is what the others are divided by"


@dataclass(frozen=True)
class _Asked:
    """What is checked against what."""

    suite: Suite
    then: Recorded
    target: Target
    options: Mapping[str, Any]


def check_baseline(session: Session, suite: str, baseline: Path, options: dict[str, Any]) -> int:
    """Check a suite against a recorded run of it, show what was found, and return the exit code."""
    for name in FOR_VERSIONS:
        if options[name]:
            raise UserError(f"--{name.replace('_', '-')} is for --base: leave it out beside --baseline")
    files, then, file = destinations(options["write"]), read(baseline), find_suite(suite)
    if then.unfinished:
        raise UserError(f"{baseline} is not finished ({', '.join(then.unfinished)}): resume it, or record it anew")
    target = target_of(options)
    families, then = _wanted(tuple(families_of_suite(file, options)), then, options["only"])
    asked = _Asked(Suite(file.name, file.description, families), then, target, options)
    noticed = preflight(target, session.busy_cores)
    for code in noticed:
        say(sentence(code))
    start_s = session.clock()
    with progress() as observer, session.workers() as launcher:
        found = survey(families, target, Plan(), launcher)
        untimed = None if options["costs_only"] else _untimed(asked, found)
        timed = not options["costs_only"] and untimed is None and bool(found.costs)
        tools = Tools(launcher, observer, session.clock)
        report, ending = _timed(asked, tools, noticed) if timed else (None, None)
    theta = THETA if options["theta"] is None else options["theta"]
    findings = ordered(
        replace(each, again=_again(suite, baseline, each, options))
        for each in against(then, _now(families, found, report, timed, untimed), theta, options["allow"])
    )
    environment = _environment(asked, report, theta, session.clock() - start_s)
    where = report.folder if report else None
    notes = [MEASURES] if report else []
    show(page(file.name, _heading(asked), findings, environment, where, notes), options["format_"], files)
    if ending:
        say(f"{ending.reason or 'interrupted'}; what was checked before is shown")
    if ending and ending.reason is None:
        return INTERRUPTED
    return exit_code(findings, options["strict"]) or (NOT_MEASURED if ending else 0)


def _timed(asked: _Asked, tools: Tools, noticed: Sequence[str]) -> tuple[Report | None, UnfinishedRunError | None]:
    """Run the suite; return what was finished, and how it ended where it did not end well."""
    try:
        return run_suite(_request(asked), tools, noticed), None
    except UnfinishedRunError as error:
        return error.report, error
    except NothingMeasuredError:  # the costs are known all the same
        return None, None


def _wanted(families: tuple[Family, ...], then: Recorded, names: Sequence[str]) -> tuple[tuple[Family, ...], Recorded]:
    """Return the families to look at, of both; a network's own family comes whole, for its baseline is the measure."""
    known = dict.fromkeys([*(family.name for family in families), *(record.family.name for record in then.records)])
    wanted = {name.partition("/")[0] for name in names}
    for name in wanted:
        if name not in known:
            raise unknown("family", name, known)
    if not {family.name for family in families} & {record.family.name for record in then.records}:
        raise UserError(f"{then.path} is a run of another suite: it has none of this one's families")
    if not wanted:
        return families, then
    records = tuple(record for record in then.records if record.family.name in wanted)
    return tuple(family for family in families if family.name in wanted), replace(then, records=records)


def _untimed(asked: _Asked, found: Survey) -> str | None:
    """Say why times cannot be compared; None where they can."""
    here = {
        "machine": machine.machine(),
        "software": dict(found.software),
        "device": dict(found.device),
        "target": asdict(asked.target),
    }
    digest = machine.digest(here["machine"], found.software, found.device, asdict(asked.target))
    then = asked.then.environment
    if then.get("digest") == digest:
        return None
    differs = ", ".join(mismatches(then, here)) or f"digest {then.get('digest')} and {digest}"
    return (
        f"not compared: the baseline is of another machine, version or setting ({differs}); --costs-only asks for none"
    )


def _request(asked: _Asked) -> Request:
    """Return what to measure: each family with its share of the budget, and no more than it has by default."""
    share_s = min(Plan().budget_s, asked.options["budget"] / len(asked.suite.families))
    return Request(asked.suite, asked.target, Plan(budget_s=share_s), asked.options["output"], None)


def _now(families: tuple[Family, ...], found: Survey, report: Report | None, timed: bool, untimed: str | None) -> Now:
    records = [record for result in report.results for record in result.records] if report else []
    return Now(
        families=families,
        costs=found.costs,
        failures=found.casualties.failures,
        timed=timed,
        records={(record.family.name, record.variant.name): record for record in records},
        untimed=untimed,
    )


def _environment(asked: _Asked, report: Report | None, theta: float, seconds: float) -> dict[str, Any]:
    records = [record for result in report.results for record in result.records] if report else []
    codes = dict.fromkeys(code for record in records for code in record.warnings) if disturbed(records) else {}
    return {
        **(report.environment if report else {}),
        "check": {
            "suite": asked.suite.name,
            "baseline": str(asked.then.path),
            "baseline_run": asked.then.environment.get("run"),
            "theta": theta,
            "costs_only": report is None,
            "warnings": list(codes),
            "seconds": seconds,
        },
    }


def _heading(asked: _Asked) -> str:
    target = asked.target
    where = machine.cpu_model() if target.device == "cpu" else target.device
    return f"baseline {asked.then.path} · {where} · {formatting.counted(target.threads, 'thread')} · {target.runtime}"


def _again(suite: str, baseline: Path, finding: Finding, options: Mapping[str, Any]) -> str:
    words = ["benchcli", "check", suite, "--baseline", str(baseline), "--only", finding.family]
    return shlex.join([*words, *(["--costs-only"] if options["costs_only"] else [])])
