"""List where, when and with what a run or a check was measured, for a page that is read elsewhere."""

from collections.abc import Iterator, Mapping, Sequence

from benchcli import formatting
from benchcli.noise.diagnosis import disturbed
from benchcli.noise.fitness import Grade, grade_of_run
from benchcli.reports.advice import sentence
from benchcli.reports.outcomes import GOOD, NO_EFFECT, WARNING
from benchcli.reports.views.check_page import was_disturbed
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Record
from benchcli.schema.environment import CheckFacts, Environment, Machine

Fact = tuple[str, str]
MEANINGS = {
    "good": "nothing disturbed this run",
    "fair": "nothing disturbed this run that could be seen, within the limits below",
    "poor": "something disturbed this run: see its warnings",
}
BADGES = {"good": f"{GOOD} quiet machine", "fair": f"{NO_EFFECT} fair machine", "poor": f"{WARNING} disturbed machine"}
"""The badge of each grade."""
DIGITS = 10
"""How much of a commit's hash is shown."""


def of_run(report: SuiteRun) -> tuple[Fact, ...]:
    """Return the facts of a run."""
    environment, target = report.environment, report.environment.target
    return (
        *_of_machine(environment, report.records),
        ("device", target.device),
        ("runtime", ", ".join(report.runtimes)),
        ("threads", str(target.threads)),
        ("allocator", target.allocator),
        ("caches before a call", target.cache),
        *([("denormal numbers", "taken for zero")] if target.flush_denormal else []),
        *([("precision asked for", formatting.percent(environment.plan.precision))] if environment.plan else []),
        ("folder", str(report.folder)),
    )


def badge_of_run(report: SuiteRun) -> str:
    """Return the state of the machine in a run, in a few words."""
    return BADGES[_grade(report.environment, report.records).word]


def badge_of_check(environment: Environment) -> str:
    """Return the state of the machine in a check; empty if nothing was timed."""
    check = environment.check
    if check is None or check.costs_only or (check.baseline is not None and not check.timed):
        return ""
    if check.baseline is None and not check.screenings:
        return ""  # it ended before anything was judged
    return BADGES["poor" if was_disturbed(check) else "good"]


def of_check(environment: Environment, folder: object) -> tuple[Fact, ...]:
    """Return the facts of a check."""
    check = environment.check or CheckFacts("")
    labels = {"base": check.base and check.base.label, "head": check.head and check.head.label}
    return (
        *_known({**labels, "baseline": check.baseline}),
        *([("threshold", formatting.percent(check.threshold))] if check.threshold else []),
        *_of_machine(environment, ()),
        *_known({"folder": folder}),
    )


def _of_machine(environment: Environment, records: Sequence[Record]) -> Iterator[Fact]:
    machine, device = environment.machine or Machine(), environment.device
    yield "started", environment.started
    yield from _known({name: device.get(name) for name in ("card", "driver", "capability")})
    yield from _known({"processor": machine.cpu, "cores": machine.cores})
    yield from _known({"caches": ", ".join(f"{name} {size}" for name, size in machine.caches.items())})
    if machine.memory_bytes is not None:
        yield "memory", formatting.prefixed(machine.memory_bytes, "B")
    yield from _known({"system": machine.system, "host": machine.host})
    yield from _known(environment.software)
    if environment.code:
        yield from _known({"commit": formatting.commits(environment.commit_measured, DIGITS)})
    yield from _known({"benchcli's commit": (environment.commit or "")[:DIGITS], "digest": environment.digest})
    if records:
        grade = _grade(environment, records)
        yield "grade", f"{grade.word}: {MEANINGS[grade.word]}"
        yield from (("limit", sentence(each)) for each in grade.findings)


def _grade(environment: Environment, records: Sequence[Record]) -> Grade:
    return grade_of_run(environment.machine or Machine(), environment.unseen, disturbed(records))


def _known(facts: Mapping[str, object]) -> list[Fact]:
    """Return the facts that are known, as text."""
    return [(name, str(value)) for name, value in facts.items() if value is not None and value != ""]
