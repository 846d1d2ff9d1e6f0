"""Trace each variant of a family in a few launches: its time by category, or by layer."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from benchcli.sampling.supervise import Failures, supervise, without
from benchcli.schema import Breakdown, Costs, Failure, Family, Key, Layers, Plan, Target
from benchcli.schema.protocol import LAYERS, PROFILE, Launcher, Layered, Task, Traced

LAUNCHES = 3
LAYER_LAUNCHES = 6
"""Launches that time layers: fewer have no interval."""
ROUNDS, SECONDS = 9, 0.3
"""The least rounds, and the least seconds, for which a launch traces each variant."""
NOT_REACHED = Failure("failed", "the worker ended before it was reached, each time")


@dataclass
class Traces:
    """The breakdowns or layers from tracing, and the failures of variants without one."""

    breakdowns: list[Breakdown] = field(default_factory=list)
    layers: list[Layers] = field(default_factory=list)
    failures: dict[Key, Failure] = field(default_factory=dict)


def break_down(family: Family, target: Target, plan: Plan, costs: Mapping[Key, Costs], launcher: Launcher) -> Traces:
    """Trace a family's variants that have costs; each of them gets a breakdown or a failure."""
    return _trace(PROFILE, LAUNCHES, family, target, plan, costs, launcher)


def time_layers(family: Family, target: Target, plan: Plan, costs: Mapping[Key, Costs], launcher: Launcher) -> Traces:
    """Time the layers of a family's variants that have costs; each of them gets layers or a failure."""
    return _trace(LAYERS, LAYER_LAUNCHES, family, target, plan, costs, launcher)


def _trace(
    kind: Literal["profile", "layers"],
    launches: int,
    family: Family,
    target: Target,
    plan: Plan,
    costs: Mapping[Key, Costs],
    launcher: Launcher,
) -> Traces:
    failures, traces = Failures(), Traces()
    uncounted = {(family.name, variant.name) for variant in family.variants} - set(costs)
    for launch in range(launches):
        rest = without([family], uncounted | set(failures.by_key))
        if not rest:
            break
        task_costs = {family.name: {v.name: costs[family.name, v.name] for v in rest[0].variants}}
        task = Task(
            kind, family.on(target), tuple(rest), task_costs, launch=launch, seed=launch, seconds=SECONDS, rounds=ROUNDS
        )
        for event in supervise(task, plan.silence_s, launcher, failures):
            if isinstance(event, Traced):
                traces.breakdowns.append(event.breakdown)
            elif isinstance(event, Layered):
                traces.layers.append(event.layers)
    traces.failures = failures.by_key
    traced = {(each.family, each.variant) for each in traces.breakdowns}
    traced |= {(each.family, each.variant) for each in traces.layers}
    for key in costs.keys() - traced:
        traces.failures.setdefault(key, NOT_REACHED)
    return traces
