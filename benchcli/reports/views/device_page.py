"""Lay out a device, its machine and its fitness for measuring, in sections."""

from collections.abc import Callable, Mapping
from typing import Any

from benchcli import formatting
from benchcli.checks.resolution import Resolution
from benchcli.noise.fitness import Grade, Probe
from benchcli.reports.advice import advised, sentence
from benchcli.reports.page import Cell, Page, Table, words

MEANINGS = {
    "good": "nothing disturbs it",
    "fair": "usable, within the limits below",
    "poor": "other work disturbs it now",
}
WRITTEN: dict[str, Callable[[Any], str]] = {
    "_bytes": lambda value: formatting.prefixed(value, "B"),
    "_hz": lambda value: formatting.prefixed(value, "Hz"),
    "_cores": lambda value: f"{value:.2f} cores",
    "_s": formatting.short,
    "pressure": lambda value: f"{formatting.percent(value)} of the time",
    "spread": lambda value: f"{formatting.percent(value, decimals=2)} between repetitions of the same work",
}
"""The function that formats a value, by the end of its name."""
LABELS = {
    "memory_bytes": "memory",
    "busy_cores": "other work",
    "steal_cores": "steal",
    "pressure": "waiting for CPU",
    "throttled_s": "stopped by quota",
    "frequency_hz": "frequency",
    "spread": "variation",
    "clock_step_s": "timer resolution",
    "preemptions": "preemptions in 1.5 s",
    "call_overhead_s": "timing overhead per call",
    "harness_bytes": "memory of benchcli",
    "digest": "digest of the above",
}


def page(sections: Mapping[str, Mapping[str, object]]) -> Page:
    """Return the page: a table of facts for each section."""
    tables = (
        Table(
            name,
            (
                words("name", (LABELS.get(each, each) for each in facts)),
                words("value", (_shown(each, facts[each]) for each in facts)),
            ),
        )
        for name, facts in sections.items()
    )
    cells: tuple[Mapping[str, Cell], ...] = tuple(
        {"section": section, "name": name, "value": value if isinstance(value, Cell) else _shown(name, value)}
        for section, facts in sections.items()
        for name, value in facts.items()
    )
    return Page(
        "device", "", tuple(tables), "", ("section", "name", "value"), cells, sections, identity=("section", "name")
    )


def probed(probe: Probe) -> dict[str, float | None]:
    """Return the observations of the probe, by name."""
    conditions = probe.conditions
    return {
        "busy_cores": conditions.busy_cores,
        "steal_cores": conditions.steal_cores,
        "pressure": conditions.pressure,
        "preemptions": conditions.involuntary_switches,
        "throttled_s": conditions.throttled_s,
        "frequency_hz": conditions.frequency_hz,
        "spread": probe.spread,
        "clock_step_s": probe.resolution_s,
        "call_overhead_s": conditions.call_overhead_s,
        "harness_bytes": conditions.memory_bytes,
    }


def fitness_data(grade: Grade) -> dict[str, object]:
    """Return the grade and its findings, for JSON."""
    return {"grade": grade.word, "findings": [advised(warning) for warning in grade.findings]}


def fitness(grade: Grade) -> dict[str, str]:
    """Return the grade and its findings, for a person."""
    return {"grade": f"{grade.word}: {MEANINGS[grade.word]}", **{each.kind: sentence(each) for each in grade.findings}}


def resolution(found: Resolution) -> dict[str, str]:
    """Return what measurements resolve, for a person."""
    half = formatting.percent(found.half_width)
    return {
        "relative speed": f"to ±{half} in {found.budget_s:.0f} s, of three networks",
        "a check": f"finds one slowdown of {formatting.percent(found.detectable)} in four of five checks",
    }


def line(name: str, value: object) -> str:
    """Return one fact as a line."""
    return f"{LABELS.get(name, name):<24} {_shown(name, value)}"


def _shown(name: str, value: object) -> str:
    if value is None or isinstance(value, bool):
        return {True: "yes", False: "no", None: "none" if name == "cpu_quota" else "unknown"}[value]
    if isinstance(value, str):
        return value
    if isinstance(value, Mapping):
        return ", ".join(f"{key} {item}" for key, item in value.items())
    if isinstance(value, list | tuple):
        return " ".join(map(str, value)) or "unknown"
    written = next((write for ending, write in WRITTEN.items() if name.endswith(ending)), str)
    return written(value)
