"""Before anything is timed: what the worker sees, and what every variant costs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchcli.errors import NothingMeasuredError, UserError
from benchcli.measure.process import Died, Launcher
from benchcli.measure.protocol import SURVEY, Counted, Described, Event, Failed, Started, Task
from benchcli.schema import Costs, Failure, Family, Plan, Target

Key = tuple[str, str]
"""Family and variant."""

ATTEMPTS = 3
"""So often a worker may die in a row before it comes to a variant."""


@dataclass
class Survey:
    """What is known before the first launch."""

    software: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    available: Mapping[str, str] = field(default_factory=dict)
    costs: dict[Key, Costs] = field(default_factory=dict)
    failures: dict[Key, Failure] = field(default_factory=dict)


def survey(families: Sequence[Family], target: Target, plan: Plan, launcher: Launcher) -> Survey:
    """Count the costs of every variant on its device. Raises UserError where the device is not there."""
    found = Survey()
    attempt = 0
    while not found.software or without(families, {*found.costs, *found.failures}):
        rest = without(families, {*found.costs, *found.failures})
        running: Key | None = None
        for event in launcher(Task(SURVEY, target, tuple(rest), {}), plan.silence_s):
            if isinstance(event, Started):
                running = (event.family, event.variant)
            elif isinstance(event, Died):
                bury(event, running, found.failures, attempt)
                attempt = attempt + 1 if running is None else 0
            else:
                _note(event, target, found)
    return found


def without(families: Sequence[Family], gone: set[Key]) -> list[Family]:
    """Return the families less the variants that are gone, and less those with none left."""
    kept = []
    for family in families:
        variants = tuple(v for v in family.variants if (family.name, v.name) not in gone)
        if variants:
            kept.append(replace(family, variants=variants))
    return kept


def bury(death: Died, running: Key | None, failures: dict[Key, Failure], attempt: int) -> None:
    """Put a worker's death on the variant under way, unless the worker said itself what was wrong with it.

    A worker that dies before any variant is tried again. Raises NothingMeasuredError at the last attempt.
    """
    if running is not None:
        failures.setdefault(running, death.failure)
    elif attempt + 1 >= ATTEMPTS:
        raise NothingMeasuredError(f"no worker could start: {death.failure.error}")


def _note(event: Event, target: Target, found: Survey) -> None:
    if isinstance(event, Described):
        if event.missing:
            there = ", ".join(f"{name} ({title})" for name, title in event.available.items())
            raise UserError(f"no device {target.device!r} here: {event.missing}; there is {there}")
        found.software, found.device, found.available = event.software, event.device, event.available
    elif isinstance(event, Counted):
        found.costs[event.family, event.variant] = event.costs
    elif isinstance(event, Failed):
        found.failures[event.family, event.variant] = Failure(event.status, event.error)
