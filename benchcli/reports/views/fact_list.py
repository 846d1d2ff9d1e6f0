"""List where, when and with what a run or a check was measured, for a page that is read elsewhere."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from benchcli import formatting
from benchcli.noise.diagnostics import disturbed
from benchcli.noise.fitness import grade_of_run
from benchcli.reports.advice import sentence
from benchcli.runs.suite_run import SuiteRun
from benchcli.schema import Record

Fact = tuple[str, str]
MEANINGS = {
    "good": "nothing disturbed this run",
    "fair": "nothing disturbed this run that could be seen, within the limits below",
    "poor": "something disturbed this run: see its warnings",
}
DIGITS = 10
"""How much of a commit's hash is shown."""


def of_run(report: SuiteRun) -> tuple[Fact, ...]:
    """Return the facts of a run."""
    environment = report.environment
    plan = environment.get("plan") or {}
    return (
        *_of_machine(environment, report.records),
        *_texts(environment.get("target") or {}, {"device": "device", "runtime": "runtime", "threads": "threads"}),
        *_texts(environment.get("target") or {}, {"allocator": "allocator", "cache": "caches before a call"}),
        *([("precision asked for", formatting.percent(plan["precision"]))] if plan.get("precision") else []),
        *_texts({"folder": report.folder}, {"folder": "folder"}),
    )


def of_check(environment: Mapping[str, Any], folder: object) -> tuple[Fact, ...]:
    """Return the facts of a check."""
    check = environment.get("check") or {}
    versions = {name: (check.get(name) or {}).get("label") for name in ("base", "head")}
    return (
        *_texts({**versions, "baseline": check.get("baseline")}, {each: each for each in (*versions, "baseline")}),
        *([("threshold", formatting.percent(check["threshold"]))] if check.get("threshold") else []),
        *_of_machine(environment, ()),
        *_texts({"folder": folder}, {"folder": "folder"}),
    )


def _of_machine(environment: Mapping[str, Any], records: Sequence[Record]) -> Iterator[Fact]:
    machine, device = environment.get("machine") or {}, environment.get("device") or {}
    yield from _texts(environment, {"started": "started"})
    yield from _texts(device, {"card": "card", "driver": "driver", "capability": "capability"})
    yield from _texts(machine, {"cpu": "processor", "cores": "cores"})
    if isinstance(machine.get("caches"), Mapping):
        yield "caches", ", ".join(f"{name} {size}" for name, size in machine["caches"].items())
    if isinstance(machine.get("memory_bytes"), int):
        yield "memory", formatting.prefixed(machine["memory_bytes"], "B")
    yield from _texts(machine, {"system": "system", "host": "host"})
    yield from ((name, str(value)) for name, value in (environment.get("software") or {}).items() if value)
    yield from _texts({"commit": str(environment.get("commit") or "")[:DIGITS]}, {"commit": "commit"})
    yield from _texts(environment, {"digest": "digest"})
    if records:
        grade = grade_of_run(machine, environment.get("unseen") or (), disturbed(records))
        yield "grade", f"{grade.word}: {MEANINGS[grade.word]}"
        yield from (("limit", sentence(code)) for code in grade.findings)


def _texts(facts: Mapping[str, Any], names: Mapping[str, str]) -> list[Fact]:
    """Return the named facts that are known."""
    known = {key: facts.get(key) for key in names}
    return [(names[key], str(value)) for key, value in known.items() if value is not None and value != ""]
