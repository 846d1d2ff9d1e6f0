"""Before anything is timed: what the worker sees, and what every variant costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchcli.errors import UserError
from benchcli.measure.process import Died, Launcher
from benchcli.measure.protocol import SURVEY, Counted, Described, Event, Task
from benchcli.measure.supervise import Casualties, attend
from benchcli.schema import Costs, Family, Key, Output, Plan, Target


@dataclass
class Survey:
    """What is known before the first launch."""

    software: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    available: Mapping[str, str] = field(default_factory=dict)
    costs: dict[Key, Costs] = field(default_factory=dict)
    outputs: dict[Key, Output] = field(default_factory=dict)
    casualties: Casualties = field(default_factory=Casualties)


def survey(families: Sequence[Family], target: Target, plan: Plan, launcher: Launcher) -> Survey:
    """Count the costs of every variant on its device. Raises UserError where the device is not there."""
    found = Survey()
    while True:
        rest = tuple(without(families, {*found.costs, *found.casualties.failures}))
        if found.software and not rest:
            return found
        for event in attend(Task(SURVEY, target, rest, {}), plan.silence_s, launcher, found.casualties):
            _note(event, target, found)


def without(families: Sequence[Family], gone: set[Key]) -> list[Family]:
    """Return the families less the variants that are gone, and less those with none left."""
    kept = []
    for family in families:
        variants = tuple(v for v in family.variants if (family.name, v.name) not in gone)
        if variants:
            kept.append(replace(family, variants=variants))
    return kept


def _note(event: Event | Died, target: Target, found: Survey) -> None:
    if isinstance(event, Described):
        if event.missing:
            there = ", ".join(f"{name} ({title})" for name, title in event.available.items())
            raise UserError(f"no device {target.device!r} here: {event.missing}; there is {there}")
        found.software, found.device, found.available = event.software, event.device, event.available
    elif isinstance(event, Counted):
        found.costs[event.family, event.variant] = event.costs
        found.outputs[event.family, event.variant] = event.output
