"""`benchcli device`: what would be measured on, and how fit it is for that."""

from collections.abc import Callable, Mapping
from typing import Any

import click

from benchcli import formatting
from benchcli.cli.options import format_option, session_option, target_of, target_options
from benchcli.cli.sections import show_sections
from benchcli.cli.session import Session
from benchcli.measure.advice import sentence
from benchcli.measure.fitness import Probe
from benchcli.measure.grading import Grade, grade
from benchcli.runs.run import describe

MEANINGS = {
    "good": "nothing disturbs",
    "fair": "it can be measured on, within limits",
    "poor": "something disturbs at this moment",
}

WRITTEN: dict[str, Callable[[Any], str]] = {
    "_bytes": lambda value: formatting.prefixed(value, "B"),
    "_hz": lambda value: formatting.prefixed(value, "Hz"),
    "_cores": lambda value: f"{value:.2f} cores",
    "_s": formatting.short,
    "pressure": "{:.1%} of the time".format,
    "spread": "{:.2%} between equal pieces of work".format,
}
"""How a value is shown, by the end of its name."""
LABELS = {
    "memory_bytes": "memory",
    "busy_cores": "other work",
    "steal_cores": "steal",
    "pressure": "tasks waited",
    "throttled_s": "held by a quota",
    "frequency_hz": "frequency",
    "spread": "spread",
    "clock_step_s": "clock steps",
    "call_overhead_s": "cost of a call",
    "harness_bytes": "harness memory",
}


@click.command("device")
@target_options
@format_option("table", "json")
@session_option
def command(session: Session, /, format_: str, **options: Any) -> None:
    """Show what would be measured on, its digest, and how fit it is for measuring at this moment.

    \b
    Example: benchcli device --device cuda
    """
    target = target_of(options)
    seen = session.probe()
    with session.workers() as launcher:
        facts = describe(target, launcher)
    found = grade(facts["machine"], seen, target.threads)
    sections = {**facts, "seen": _seen(seen), "fitness": _fitness(found, format_)}
    show_sections(sections, format_, _line)


def _seen(seen: Probe) -> dict[str, Any]:
    conditions = seen.conditions
    return {
        "busy_cores": conditions.busy_cores,
        "steal_cores": conditions.steal_cores,
        "pressure": conditions.pressure,
        "preemptions": conditions.involuntary_switches,
        "throttled_s": conditions.throttled_s,
        "frequency_hz": conditions.frequency_hz,
        "spread": seen.spread,
        "clock_step_s": seen.resolution_s,
        "call_overhead_s": conditions.call_overhead_s,
        "harness_bytes": conditions.memory_bytes,
    }


def _fitness(found: Grade, format_: str) -> dict[str, Any]:
    if format_ == "json":
        return {"grade": found.word, "findings": [{"code": c, "advice": sentence(c)} for c in found.findings]}
    advice = {code.partition(":")[0]: sentence(code) for code in found.findings}
    return {"grade": f"{found.word}: {MEANINGS[found.word]}", **advice}


def _line(name: str, value: Any) -> str:
    return f"{LABELS.get(name, name):<16} {_shown(name, value)}"


def _shown(name: str, value: Any) -> str:
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "none" if name == "cpu_quota" else "unknown"}[value]
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, list):
        return " ".join(map(str, value)) or "unknown"
    written = next((write for ending, write in WRITTEN.items() if name.endswith(ending)), str)
    return written(value)
