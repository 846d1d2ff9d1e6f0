"""Break down the time of each variant of a family, from a few traced launches."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchcli.measure.process import Launcher
from benchcli.measure.protocol import PROFILE, Task, Traced
from benchcli.measure.supervise import Failures, supervise, without
from benchcli.schema import Breakdown, Costs, Failure, Family, Key, Plan, Target

LAUNCHES = 3
ROUNDS, SECONDS = 9, 0.3
"""The least rounds, and the least seconds, for which a launch traces each variant."""
NOT_REACHED = Failure("failed", "the worker ended before it was reached, each time")


@dataclass
class Traces:
    """The breakdowns from tracing, and the failures of variants without one."""

    breakdowns: list[Breakdown] = field(default_factory=list)
    failures: dict[Key, Failure] = field(default_factory=dict)


def break_down(family: Family, target: Target, plan: Plan, costs: Mapping[Key, Costs], launcher: Launcher) -> Traces:
    """Trace a family's variants that have costs; each of them gets a breakdown or a failure."""
    failures, traces = Failures(), Traces()
    uncounted = {(family.name, variant.name) for variant in family.variants} - set(costs)
    for launch in range(LAUNCHES):
        rest = without([family], uncounted | set(failures.by_key))
        if not rest:
            break
        task_costs = {family.name: {v.name: costs[family.name, v.name] for v in rest[0].variants}}
        task = Task(
            PROFILE, target, tuple(rest), task_costs, launch=launch, seed=launch, seconds=SECONDS, rounds=ROUNDS
        )
        events = supervise(task, plan.silence_s, launcher, failures)
        traces.breakdowns += [event.breakdown for event in events if isinstance(event, Traced)]
    traces.failures = failures.by_key
    traced = {(each.family, each.variant) for each in traces.breakdowns}
    for key in costs.keys() - traced:
        traces.failures.setdefault(key, NOT_REACHED)
    return traces
