"""Measure families: launch workers until every relative speed is precise or the budget is spent."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import TypeVar

from benchcli.measure.attend import Key, attend
from benchcli.measure.outcome import result, timings
from benchcli.measure.process import Died, Launcher
from benchcli.measure.protocol import LAUNCH, Sampled, Task
from benchcli.measure.stopping import another_launch, precise
from benchcli.measure.survey import Survey, without
from benchcli.schema import Failure, Family, FamilyResult, Plan, Sample, Target

CAP = 0.25
"""Most of a family's budget that one launch may spend on its rounds."""


@dataclass(frozen=True)
class Progress:
    """Where a run is: what it does, and the seconds it has spent and may spend."""

    doing: str
    spent_s: float
    most_s: float


Value = TypeVar("Value")
Observer = Callable[[Progress], None]


@dataclass(frozen=True)
class Run:
    """What stays the same for all families of a run."""

    name: str
    suite: str
    target: Target
    plan: Plan
    survey: Survey
    launcher: Launcher
    observer: Observer
    clock: Callable[[], float] = time.monotonic


def measure(families: Sequence[Family], run: Run) -> Iterator[FamilyResult]:
    """Yield each family's result as it is done. The families of one guideline share their workers.

    Sharing pays the import of torch once for all scales, and two thirds of a short launch are that import.
    """
    groups = [list(group) for _, group in groupby(families, key=lambda family: family.guideline)]
    spent = 0.0
    for group in groups:
        budget_s = run.plan.budget_s * len(group)
        start = run.clock()
        yield from _Group(group, run, spent, run.plan.budget_s * len(families)).measure(budget_s)
        spent += run.clock() - start


@dataclass
class _Group:
    """Families measured in the same launches, and what is known of them so far."""

    families: list[Family]
    run: Run
    spent_before_s: float
    most_s: float
    samples: dict[Key, list[Sample]] = field(default_factory=dict)
    failures: dict[Key, Failure] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.failures.update(self.run.survey.failures)

    def measure(self, budget_s: float) -> Iterator[FamilyResult]:
        """Launch until each family is precise or the budget is spent; yield each as it is done."""
        start, launches, open_ = self.run.clock(), 0, list(self.families)
        while open_ and another_launch(launches, self.run.clock() - start, budget_s, self.run.plan):
            self.launch(launches, open_, start)
            launches += 1
            for family in [family for family in open_ if self.is_done(family)]:
                open_.remove(family)
                yield self.result(family)
        for family in open_:
            yield self.result(family)

    def launch(self, number: int, families: list[Family], start: float) -> None:
        """Make one launch of all variants that have not failed; where its worker dies, again without the culprit."""
        run = self.run
        attempt = 0
        while rest := tuple(without(families, set(self.failures))):
            doing = f"{rest[0].guideline}: launch {number + 1}"
            spent_s = self.spent_before_s + run.clock() - start
            run.observer(Progress(doing, spent_s, self.most_s))
            task = Task(
                LAUNCH,
                run.target,
                rest,
                {f.name: {v.name: run.survey.costs[f.name, v.name] for v in f.variants} for f in rest},
                launch=number,
                seed=1000 * attempt + number,
                most_seconds=CAP * run.plan.budget_s,
            )
            taken = self.listen(task)
            if taken is not None:
                for key, sample in taken:
                    self.samples.setdefault(key, []).append(sample)
                return
            attempt += 1

    def listen(self, task: Task) -> list[tuple[Key, Sample]] | None:
        """Run one worker; return its samples, or None where it died: a launch that died is no evidence."""
        taken: list[tuple[Key, Sample]] = []
        for event in attend(task, self.run.plan.silence_s, self.run.launcher, self.failures):
            if isinstance(event, Sampled):
                taken.append(((event.family, event.sample.variant), event.sample))
            elif isinstance(event, Died):
                return None
        return taken

    def is_done(self, family: Family) -> bool:
        """Say whether the family needs no more launches."""
        times = timings(family, self.live_samples(family))
        alive = without([family], set(self.failures))
        if self.run.plan.launches is not None:
            return not alive
        return not alive or precise(times.values(), self.run.plan)

    def result(self, family: Family) -> FamilyResult:
        """Return the family's records."""
        run = self.run
        return result(
            run.name,
            run.suite,
            family,
            run.target,
            run.plan,
            self.of(family, run.survey.costs),
            self.of(family, self.failures),
            self.live_samples(family),
        )

    def live_samples(self, family: Family) -> dict[str, list[Sample]]:
        """Return the samples of the variants that have not failed: a failure's good launches are no evidence."""
        return {v: taken for v, taken in self.of(family, self.samples).items() if (family.name, v) not in self.failures}

    @staticmethod
    def of(family: Family, table: Mapping[Key, Value]) -> dict[str, Value]:
        """Return one family's part of a table, by variant."""
        return {variant: value for (name, variant), value in table.items() if name == family.name}
