"""Measure the reference networks in a process without the user's code too.

A recorded run compares each network with reference networks of its own process. What a network does to its whole
process slows them too, and the ratio hides it.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from statistics import median

from benchcli import formatting
from benchcli.sampling.worker_reports import Failures, collect
from benchcli.schema import Family, FamilyResult, Sample
from benchcli.schema.protocol import LAUNCH, Conversation, Launcher, Task
from benchcli.spelling import given
from benchcli.statistics import interval_over_launches, launch_log_seconds

MOST_SLOWED = 0.05
"""The least slowdown of the reference networks for which the times beside them are not compared."""
ALONE = "references"
"""The family of the reference networks that are measured alone."""


@dataclass(frozen=True)
class CleanReferences:
    """A launcher that measures the reference networks of users' families alone after each launch of these."""

    launcher: Launcher
    samples: dict[str, list[Sample]] = field(default_factory=dict)
    """By name of the reference network."""

    def run(self, task: Task, silence_s: float) -> Conversation:
        """Run a task and yield its events; after a launch of users' networks run one of their references."""
        is_free = yield from self.launcher(task, silence_s)
        families = [each for each in task.families if each.references and _is_users(each)]
        if task.kind == LAUNCH and families:
            reports = collect(self.launcher, _alone(task, families[0]), silence_s, Failures())
            for (_, name), sample in reports.samples:
                self.samples.setdefault(name, []).append(sample)
        return is_free

    def why_not_compared(self, result: FamilyResult) -> str | None:
        """Return why a family's times beside its references cannot be compared; None if they can."""
        slowed = max(self._slowed(result), default=None)
        if slowed is None:
            return None
        return (
            f"the reference networks take {formatting.percent(math.expm1(slowed))} longer beside it than in a process "
            f"of their own: it slows its whole process, which their ratio hides; compare the versions with "
            f"{given('base')}"
        )

    def _slowed(self, result: FamilyResult) -> Iterator[float]:
        """Yield the logarithm of by how much each reference is slower beside a family, where that is certain."""
        for reference in result.family.references if _is_users(result.family) else ():
            beside = launch_log_seconds(each for each in result.samples if each.variant == reference.name)
            alone = launch_log_seconds(self.samples.get(reference.name, ()))
            differences = {launch: beside[launch] - alone[launch] for launch in beside.keys() & alone.keys()}
            low = interval_over_launches(differences).low if len(differences) > 1 else None
            if low is not None and low > 1 + MOST_SLOWED:
                yield median(differences.values())


def _is_users(family: Family) -> bool:
    return not all(each.is_built_in for each in family.variants)


def _alone(task: Task, family: Family) -> Task:
    """Return a launch of a family's references without anything else."""
    alone = replace(family, name=ALONE, variants=())
    known = task.costs[family.name]
    return replace(
        task,
        families=(alone,),
        costs={ALONE: {each.name: known[each.name] for each in family.references}},
        singles=0,
        live={},
        artifacts={},
    )
