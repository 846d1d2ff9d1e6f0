"""Supervise workers, and attribute each failure to the variant that caused it.

The survey is the first use: before any timing, it asks a worker for its software and device, and
for the costs of every variant.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from benchcli.errors import NothingMeasuredError, UserError
from benchcli.schema import Code, CostDetail, Costs, Failure, Family, Key, Output, Plan, Target
from benchcli.schema.protocol import (
    INTRUDES,
    SURVEY,
    Counted,
    Described,
    Event,
    Failed,
    Launcher,
    Spoilt,
    Started,
    Task,
    WorkerDied,
)

ATTEMPTS = 3
"""Deaths in a row before any variant has started, after which no other worker is started."""
DEATHS = 2
"""Worker deaths after which a variant has failed. One death alone may have an outside cause."""
UNCOUNTED = "its process ended without having counted it"


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
    details: dict[Key, CostDetail] = field(default_factory=dict)
    """Only of a survey that asked for them."""
    codes: dict[Key, Code] = field(default_factory=dict)
    """Where users' own networks come from."""
    failures: Failures = field(default_factory=Failures)


def survey(
    families: Sequence[Family], target: Target, plan: Plan, launcher: Launcher, detailed: bool = False
) -> Survey:
    """Count the costs of every variant on its device; `detailed` asks for those of each operator too.

    What fails beside others is tried again in a process of its own: a network can spoil the process
    for those after it. Raises UserError if the device is not available.
    """
    counted = Survey()
    work = _Surveying(target, plan.silence_s, launcher, counted, detailed)
    while True:
        rest = without(families, {*counted.costs, *counted.failures.by_key})
        if counted.software and not rest:
            return counted
        for key, before in work.ask(rest).items():
            work.try_alone(families, key, before)


@dataclass(frozen=True)
class _Surveying:
    """Surveys networks in one process after the other."""

    target: Target
    silence_s: float
    launcher: Launcher
    counted: Survey
    detailed: bool

    def ask(self, families: Sequence[Family]) -> dict[Key, Key | None]:
        """Survey families in one process.

        Return the variants that failed and did not run first there, each with the last one before
        it that did not fail.
        """
        counted, failures = self.counted, self.counted.failures
        known = {*counted.costs, *failures.by_key}
        ended = False
        task = Task(SURVEY, self.target, tuple(families), {}, detailed=self.detailed)
        for event in supervise(task, self.silence_s, self.launcher, failures):
            ended = ended or isinstance(event, WorkerDied | Spoilt)
            _store(event, self.target, counted)
        asked = [(family.name, variant.name) for family in families for variant in family.variants]
        for key in asked if not ended else ():
            if key not in counted.costs:
                failures.by_key.setdefault(key, Failure("failed", UNCOUNTED))
        return self._failed_beside(asked, known)

    def _failed_beside(self, asked: Sequence[Key], known: set[Key]) -> dict[Key, Key | None]:
        counted_before: Key | None = None
        beside_others: dict[Key, Key | None] = {}
        for key in asked:
            if key in self.counted.costs:
                counted_before = key
            elif key != asked[0] and key not in known and _may_be_spoilt(self.counted.failures, key):
                beside_others[key] = counted_before
        return beside_others

    def try_alone(self, families: Sequence[Family], key: Key, before: Key | None) -> None:
        """Survey a failed variant in a process of its own.

        If it works there, and not after the variant `before` of its family, that one has failed.
        """
        failures = self.counted.failures
        failed = failures.by_key.pop(key)
        alone = _only(families, {key})
        self.ask(alone)
        if key not in self.counted.costs:
            failures.by_key.setdefault(key, failed)
        elif before is not None and before[0] == key[0]:
            self._blame(_only(families, {before, key}), before, key)

    def _blame(self, both: Sequence[Family], before: Key, key: Key) -> None:
        costs, failures = self.counted.costs, self.counted.failures
        if before in failures.by_key:  # it was blamed for another one
            return
        kept = {each: costs[each] for each in (before, key)}
        self.ask(both)
        failed = failures.by_key.pop(key, None)
        failures.by_key.pop(before, None)  # it worked before: only what it does to the other one counts
        costs |= kept
        if failed:
            del costs[before]
            failures.by_key[before] = Failure(
                "failed", f"after it, {key[1]} fails in the same process ({failed.error}): give it a family of its own"
            )


def _may_be_spoilt(failures: Failures, key: Key) -> bool:
    """Return whether a failure may be that of another network, which ran before in the process."""
    failure = failures.by_key.get(key)
    if failure is None or failure.error.startswith(INTRUDES):
        return False
    return failure.status in {"failed", "wrong-output", "crashed"}


def _only(families: Sequence[Family], keys: set[Key]) -> list[Family]:
    every = {(family.name, variant.name) for family in families for variant in family.variants}
    return without(families, every - keys)


def refuse(failures: Mapping[Key, Failure]) -> None:
    """Raise UserError if a network is not there, or cannot be called as asked."""
    for (_, variant), failure in failures.items():
        if failure.status == "refused":
            raise UserError(f"{variant}: {failure.error}")


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
        if event.code:
            counted.codes[event.family, event.variant] = event.code
        if event.detail:
            counted.details[event.family, event.variant] = event.detail
