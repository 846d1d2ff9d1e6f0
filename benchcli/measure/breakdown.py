"""Where the time of each variant of a family goes: a few launches, traced."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from benchcli.measure.process import Launcher
from benchcli.measure.protocol import PROFILE, Task, Traced
from benchcli.measure.supervise import Failures, supervise, without
from benchcli.schema import Breakdown, Costs, Failure, Family, Key, Plan, Target

LAUNCHES = 3
ROUNDS, SECONDS = 9, 0.3
"""A launch traces each variant so many times, and for so long, at the least."""
NOT_REACHED = Failure("failed", "the worker ended before it was reached, each time")


@dataclass
class Traces:
    """What tracing brought."""

    breakdowns: list[Breakdown] = field(default_factory=list)
    failures: dict[Key, Failure] = field(default_factory=dict)


def break_down(family: Family, target: Target, plan: Plan, costs: Mapping[Key, Costs], launcher: Launcher) -> Traces:
    """Trace the variants of a family whose costs are known; every one of them gets a breakdown or a failure."""
    failures, traces = Failures(), Traces()
    gone = {(family.name, variant.name) for variant in family.variants} - set(costs)
    for launch in range(LAUNCHES):
        rest = without([family], gone | set(failures.by_key))
        if not rest:
            break
        known = {family.name: {v.name: costs[family.name, v.name] for v in rest[0].variants}}
        task = Task(PROFILE, target, tuple(rest), known, launch=launch, seed=launch, seconds=SECONDS, rounds=ROUNDS)
        events = supervise(task, plan.silence_s, launcher, failures)
        traces.breakdowns += [event.breakdown for event in events if isinstance(event, Traced)]
    traces.failures = failures.by_key
    there = {(each.family, each.variant) for each in traces.breakdowns}
    for key in costs.keys() - there:
        traces.failures.setdefault(key, NOT_REACHED)
    return traces
