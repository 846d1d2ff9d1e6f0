"""Run tasks in workers, collect what they report, and attribute each failure to the variant that caused it."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TypeVar

from benchcli.errors import NothingMeasuredError
from benchcli.schema import (
    Breakdown,
    CallKernels,
    Failure,
    Family,
    Key,
    Layers,
    Sample,
)
from benchcli.schema.protocol import (
    Counted,
    Described,
    Event,
    Exported,
    Failed,
    KernelsNamed,
    Launcher,
    Layered,
    Loaded,
    OperatorTimed,
    Reached,
    Ready,
    Sampled,
    Singled,
    Spoilt,
    Started,
    Task,
    Traced,
    Waiting,
    Watched,
    WorkerDied,
    Written,
)

ATTEMPTS = 3
"""Deaths in a row before any variant has started, after which no other worker is started."""
DEATHS = 2
"""Worker deaths after which a variant has failed. One death alone may have an outside cause."""
Value = TypeVar("Value")
KEPT_IN: Mapping[type, str] = {
    Singled: "singles",
    Watched: "conditions",
    Written: "written",
    Loaded: "loaded",
    Reached: "reached",
    OperatorTimed: "timed",
}
"""Events that are kept as they are, and the lists of `Reports` that they are kept in."""


@dataclass
class Failures:
    """The failures and worker deaths by variant."""

    by_key: dict[Key, Failure] = field(default_factory=dict)
    deaths: Counter[Key] = field(default_factory=Counter)
    intruders: set[Key] = field(default_factory=set)
    """Those that failed because they change the process for the others."""

    def note(self, failed: Failed) -> None:
        """Record the failure that a worker reported."""
        key = failed.family, failed.variant
        self.by_key[key] = Failure(failed.status, failed.error)
        if failed.intrudes:
            self.intruders.add(key)

    def note_death(self, key: Key, failure: Failure) -> None:
        """Count a death. The second one fails the variant, unless the worker reported a failure."""
        self.deaths[key] += 1
        if self.deaths[key] >= DEATHS:
            self.by_key.setdefault(key, failure)


@dataclass
class Reports:
    """What the worker of a task has reported."""

    failures: Failures
    running: Key | None = None
    """The variant that started last: if the worker dies, it is the cause."""
    death: Failure | None = None
    is_waiting: bool = False
    """Whether a worker in serve mode waits for questions."""
    is_spoilt: bool = False
    described: Described | None = None
    counted: dict[Key, Counted] = field(default_factory=dict)
    calls: dict[Key, int] = field(default_factory=dict)
    """Calls in a sample."""
    samples: list[tuple[Key, Sample]] = field(default_factory=list)
    singles: list[Singled] = field(default_factory=list)
    conditions: list[Watched] = field(default_factory=list)
    exported: dict[Key, Exported] = field(default_factory=dict)
    written: list[Written] = field(default_factory=list)
    loaded: list[Loaded] = field(default_factory=list)
    breakdowns: list[Breakdown] = field(default_factory=list)
    layers: list[Layers] = field(default_factory=list)
    kernels: list[CallKernels] = field(default_factory=list)
    reached: list[Reached] = field(default_factory=list)
    timed: list[OperatorTimed] = field(default_factory=list)

    def add(self, event: Event | WorkerDied) -> None:  # noqa: C901  a branch for each kind of event
        """Store an event. A death counts against the running variant."""
        if kept_in := KEPT_IN.get(type(event)):
            getattr(self, kept_in).append(event)
            return
        match event:
            case Started(family, variant):
                self.running = family, variant
            case Sampled(family, sample):
                self.samples.append(((family, sample.variant), sample))
            case Failed():
                self.failures.note(event)
            case Described():
                self.described = event
            case Counted(family, variant):
                self.counted[family, variant] = event
            case Exported(family, variant):
                self.exported[family, variant] = event
            case Spoilt():
                self.is_spoilt = True
            case Ready(family, variant, calls):
                self.calls[family, variant] = calls
            case Waiting():
                self.is_waiting = True
            case Traced(breakdown):
                self.breakdowns.append(breakdown)
            case Layered(layers):
                self.layers.append(layers)
            case KernelsNamed(kernels):
                self.kernels.append(kernels)
            case WorkerDied(failure):
                self._note_death(failure)

    def _note_death(self, failure: Failure) -> None:
        self.death = failure
        if self.running:
            self.failures.note_death(self.running, failure)


Collect = Callable[[Task, float, Failures], Reports]
"""Runs a task and returns what its worker reported. The number is the allowed silence in s."""


def collect(launcher: Launcher, task: Task, silence_s: float, failures: Failures) -> Reports:
    """Run a task in a worker and return what it reported.

    If the worker dies before it starts a variant, another one is started. Raises NothingMeasuredError
    after `ATTEMPTS` such deaths.
    """
    for _ in range(ATTEMPTS):
        reports = Reports(failures)
        for event in launcher(task, silence_s):
            reports.add(event)
        death = reports.death
        if death is None or reports.running:
            return reports
    raise NothingMeasuredError(f"no worker could start: {death.error}" if death else "no worker could start")


def by_family(table: Mapping[Key, Value], families: Sequence[Family]) -> dict[str, dict[str, Value]]:
    """Return the part of a table that is of these families, by family and variant."""
    return {
        family.name: {v.name: table[family.name, v.name] for v in family.launched if (family.name, v.name) in table}
        for family in families
    }


def keys_of(families: Sequence[Family]) -> list[Key]:
    """Return the family and the variant of each network of families."""
    return [(family.name, variant.name) for family in families for variant in family.launched]


def without(families: Sequence[Family], gone: set[Key]) -> list[Family]:
    """Return the families without the networks in `gone`, and without families left empty."""
    kept = []
    for family in families:
        variants, references = (
            tuple(each for each in several if (family.name, each.name) not in gone)
            for several in (family.variants, family.references)
        )
        if variants or references:
            kept.append(replace(family, variants=variants, references=references))
    return kept
