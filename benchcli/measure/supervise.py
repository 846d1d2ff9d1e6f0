"""Supervise workers, and attribute each failure to the variant that caused it.

The survey is the first use: before any timing, it asks a worker for its software and device, and
for the costs of every variant.
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
"""Deaths in a row before any variant has started, after which no other worker is started."""
DEATHS = 2
"""Worker deaths after which a variant has failed. One death alone may have an outside cause."""


@dataclass
class Failures:
    """The failures and worker deaths by variant."""

    by_key: dict[Key, Failure] = field(default_factory=dict)
    deaths: Counter[Key] = field(default_factory=Counter)

    def note(self, failed: Failed) -> None:
        """Record the failure that a worker reported."""
        self.by_key[failed.family, failed.variant] = Failure(failed.status, failed.error)

    def note_death(self, key: Key, failure: Failure) -> None:
        """Count a death. The second one fails the variant, unless the worker reported a failure."""
        self.deaths[key] += 1
        if self.deaths[key] >= DEATHS:
            self.by_key.setdefault(key, failure)


def supervise(task: Task, silence_s: float, launcher: Launcher, failures: Failures) -> Iterator[Event | WorkerDied]:
    """Yield a worker's events, and record the variants that fail.

    If the worker dies, `WorkerDied` is the last event, and the death counts against the running
    variant. The second death fails the variant, unless the worker itself reported a failure.
    If a worker dies before it starts a variant, another one is started. Raises NothingMeasuredError
    after `ATTEMPTS` such deaths.
    """
    for _ in range(ATTEMPTS):
        running: Key | None = None
        death: WorkerDied | None = None
        for event in launcher(task, silence_s):
            if isinstance(event, Started):
                running = (event.family, event.variant)
            elif isinstance(event, Failed):
                failures.note(event)
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
    """What a survey finds before the first launch."""

    software: Mapping[str, str] = field(default_factory=dict)
    device: Mapping[str, Any] = field(default_factory=dict)
    available: Mapping[str, str] = field(default_factory=dict)
    costs: dict[Key, Costs] = field(default_factory=dict)
    outputs: dict[Key, Output] = field(default_factory=dict)
    failures: Failures = field(default_factory=Failures)


def survey(families: Sequence[Family], target: Target, plan: Plan, launcher: Launcher) -> Survey:
    """Count the costs of every variant on its device.

    Raises UserError if the device is not available.
    """
    counted = Survey()
    while True:
        rest = tuple(without(families, {*counted.costs, *counted.failures.by_key}))
        if counted.software and not rest:
            return counted
        for event in supervise(Task(SURVEY, target, rest, {}), plan.silence_s, launcher, counted.failures):
            _store(event, target, counted)


def without(families: Sequence[Family], gone: set[Key]) -> list[Family]:
    """Return the families without the variants in `gone`, and without families left empty."""
    kept = []
    for family in families:
        variants = tuple(v for v in family.variants if (family.name, v.name) not in gone)
        if variants:
            kept.append(replace(family, variants=variants))
    return kept


def _store(event: Event | WorkerDied, target: Target, counted: Survey) -> None:
    if isinstance(event, Described):
        if event.missing:
            available = ", ".join(f"{name} ({title})" for name, title in event.available.items())
            raise UserError(f"no device {target.device!r} here: {event.missing}; there is {available}")
        counted.software, counted.device, counted.available = event.software, event.device, event.available
    elif isinstance(event, Counted):
        counted.costs[event.family, event.variant] = event.costs
        counted.outputs[event.family, event.variant] = event.output
