"""Listen to measured processes, and put what goes wrong on the variant that it happened to.

The survey is the first use: before anything is timed, what the process sees and what every variant costs.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchcli.errors import NothingMeasuredError, UserError
from benchcli.measure.process import Launcher, WorkerDied
from benchcli.measure.protocol import SURVEY, Counted, Described, Event, Failed, Started, Task
from benchcli.schema import Costs, Failure, Family, Key, Output, Plan, Target

ATTEMPTS = 3
"""So often a worker may die in a row before it comes to a variant."""
DEATHS = 2
"""So often a worker must die of a variant: once, somebody else may have killed or stopped it."""


@dataclass
class Failures:
    """What went wrong with which variant."""

    by_key: dict[Key, Failure] = field(default_factory=dict)
    deaths: Counter[Key] = field(default_factory=Counter)

    def note_death(self, key: Key, failure: Failure) -> None:
        """Note a death; the second one is the variant's failure, unless the worker had said what was wrong."""
        self.deaths[key] += 1
        if self.deaths[key] >= DEATHS:
            self.by_key.setdefault(key, failure)


def supervise(task: Task, silence_s: float, launcher: Launcher, failures: Failures) -> Iterator[Event | WorkerDied]:
    """Yield a worker's events, and note the variants that failed.

    Where the worker dies, `WorkerDied` is the last event. The death is put on the variant under way,
    unless the worker itself said what was wrong with it; after the second one the variant has failed.
    A worker that dies before any variant is tried again. Raises NothingMeasuredError where that does
    not help.
    """
    for _ in range(ATTEMPTS):
        running: Key | None = None
        death: WorkerDied | None = None
        for event in launcher(task, silence_s):
            if isinstance(event, Started):
                running = (event.family, event.variant)
            elif isinstance(event, Failed):
                failures.by_key[event.family, event.variant] = Failure(event.status, event.error)
            elif isinstance(event, WorkerDied):
                death = event
            else:
                yield event
        if death is None:
            return
        if running is not None:
            failures.note_death(running, death.failure)
            yield death
            return
    raise NothingMeasuredError(f"no worker could start: {death.failure.error}" if death else "no worker could start")


@dataclass
class Survey:
    """What is known before the first launch."""

    software: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    available: Mapping[str, str] = field(default_factory=dict)
    costs: dict[Key, Costs] = field(default_factory=dict)
    outputs: dict[Key, Output] = field(default_factory=dict)
    failures: Failures = field(default_factory=Failures)


def survey(families: Sequence[Family], target: Target, plan: Plan, launcher: Launcher) -> Survey:
    """Count the costs of every variant on its device. Raises UserError where the device is not there."""
    found = Survey()
    while True:
        rest = tuple(without(families, {*found.costs, *found.failures.by_key}))
        if found.software and not rest:
            return found
        for event in supervise(Task(SURVEY, target, rest, {}), plan.silence_s, launcher, found.failures):
            _note(event, target, found)


def without(families: Sequence[Family], gone: set[Key]) -> list[Family]:
    """Return the families less the variants that are gone, and less those with none left."""
    kept = []
    for family in families:
        variants = tuple(v for v in family.variants if (family.name, v.name) not in gone)
        if variants:
            kept.append(replace(family, variants=variants))
    return kept


def _note(event: Event | WorkerDied, target: Target, found: Survey) -> None:
    if isinstance(event, Described):
        if event.missing:
            there = ", ".join(f"{name} ({title})" for name, title in event.available.items())
            raise UserError(f"no device {target.device!r} here: {event.missing}; there is {there}")
        found.software, found.device, found.available = event.software, event.device, event.available
    elif isinstance(event, Counted):
        found.costs[event.family, event.variant] = event.costs
        found.outputs[event.family, event.variant] = event.output
