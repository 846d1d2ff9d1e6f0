"""Trace each variant of a family in a few launches: its time by category or by layer, or its kernels."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchcli.sampling.worker_reports import Collect, Failures, by_family, without
from benchcli.schema import Breakdown, CallKernels, Costs, Failure, Family, Key, Layers, Plan, Target
from benchcli.schema.protocol import KERNELS, LAYERS, PROFILE, Task

Kind = Literal["profile", "layers", "kernels"]
LAUNCHES: Mapping[Kind, int] = {PROFILE: 3, LAYERS: 6, KERNELS: 6}
"""Launches of each kind of tracing. Fewer than six, which time layers, have no interval.

Of kernels it is the most: one launch names those of every network, unless one of them ends its process.
"""
ROUNDS, SECONDS = 9, 0.3
"""The least rounds, and the least seconds, for which a launch traces each variant."""
MOST_SECONDS = 2.0
"""After which, or a launch's share of a short budget, a launch of a slow network makes no further round.

Its calls are long beside what disturbs them.
The intervals are of the spread between launches, which further rounds of one launch leave as it is.
"""
NOT_REACHED = Failure("failed", "the worker ended before it was reached, each time")


@dataclass
class Traces:
    """The breakdowns, layers or kernels from tracing, and the failures of variants without one."""

    breakdowns: list[Breakdown] = field(default_factory=list)
    layers: list[Layers] = field(default_factory=list)
    kernels: list[CallKernels] = field(default_factory=list)
    failures: dict[Key, Failure] = field(default_factory=dict)


@dataclass(frozen=True)
class Tracing:
    """Where variants are traced, and with what."""

    target: Target
    plan: Plan
    collect: Collect
    live: Mapping[str, str] = field(default_factory=dict)
    """Networks that a caller gave by value."""
    artifacts: Mapping[Key, str] = field(default_factory=dict)
    """The files that the runtime has prepared."""

    def trace(self, kind: Kind, family: Family, costs: Mapping[Key, Costs]) -> Traces:
        """Trace a family's variants that have costs; each of them gets what was asked for, or a failure."""
        failures, traces = Failures(), Traces()
        uncounted = {(family.name, variant.name) for variant in family.launched} - set(costs)
        for launch in range(LAUNCHES[kind]):
            named = {each.key for each in traces.kernels}
            rest = tuple(without([family], uncounted | set(failures.by_key) | named))
            if not rest:
                break
            task = Task(
                kind,
                family.on(self.target),
                rest,
                by_family(costs, rest),
                launch=launch,
                seed=launch,
                seconds=SECONDS,
                rounds=ROUNDS,
                most_seconds=min(MOST_SECONDS, self.plan.launch_share * self.plan.budget_s),
                live=self.live,
                artifacts=by_family(self.artifacts, rest),
            )
            reports = self.collect(task, self.plan.silence_s, failures)
            traces.breakdowns += reports.breakdowns
            traces.layers += reports.layers
            traces.kernels += reports.kernels
        traces.failures = failures.by_key
        found: list[Breakdown | Layers | CallKernels] = [*traces.breakdowns, *traces.layers, *traces.kernels]
        traced = {each.key for each in found}
        for key in (each for each in costs if each not in traced):
            traces.failures.setdefault(key, NOT_REACHED)
        return traces
