"""Do launches that are forked differ as much as others that begin at nothing?  python benchmarks/launches.py [g1,g2,g4]

Keeps several servers at once, launches from each in turn, and half as often in processes of their own, so that all
meet the same minutes. Prints for every relative speed the spread of both, the difference of their medians with its
standard error, and the spread of the servers' medians beside what the spread within them lets expect.
"""

import math
import sys
from contextlib import ExitStack
from statistics import mean, median, stdev

from benchcli.measure.process import Launcher, run_worker, workers
from benchcli.measure.protocol import LAUNCH, Sampled, Task
from benchcli.measure.supervise import survey
from benchcli.schema import Plan, Sample, Target
from benchcli.statistics import launch_log_ratios
from benchcli.workloads.guidelines.family import GuidelineRequest
from benchcli.workloads.overrides import Overrides

SERVERS, ROUNDS = 4, 8
Ratios = dict[tuple[str, str], float]


def main() -> None:
    """Launch in turn and compare."""
    names = (sys.argv[1:] or ["g1,g2,g4"])[0].split(",")
    families = tuple(family for name in names for family in GuidelineRequest(guideline=name).families(Overrides()))
    target = Target()
    costs = survey(families, target, Plan(), run_worker).costs
    by_family = {f.name: {v.name: costs[f.name, v.name] for v in f.variants} for f in families}

    def launch(launcher: Launcher, number: int) -> Ratios:
        task = Task(LAUNCH, target, families, by_family, launch=number, seed=number)
        taken: dict[tuple[str, str], list[Sample]] = {}
        for event in launcher(task, 60.0):
            if isinstance(event, Sampled):
                taken.setdefault((event.family, event.sample.variant), []).append(event.sample)
        return {
            (f.name, v.name): launch_log_ratios(taken[f.name, f.baseline], taken[f.name, v.name])[number]
            for f in families
            for v in f.variants[1:]
        }

    forked: list[list[Ratios]] = [[] for _ in range(SERVERS)]
    fresh: list[Ratios] = []
    with ExitStack() as stack:
        servers = [stack.enter_context(workers(forks=True)) for _ in forked]
        for number in range(ROUNDS):
            for place, server in enumerate(servers):
                forked[place].append(launch(server, number * SERVERS + place))
                if place % 2:
                    fresh.append(launch(run_worker, 1000 + number * SERVERS + place))
    for key in fresh[0]:
        report(key, [[each[key] for each in of] for of in forked], [each[key] for each in fresh])


def report(key: tuple[str, str], forked: list[list[float]], fresh: list[float]) -> None:
    """Print one relative speed's line."""
    everything = [value for of in forked for value in of]
    within = math.sqrt(mean(spread(of) ** 2 for of in forked))
    difference = median(fresh) - median(everything)
    # A median's standard error is a quarter larger than a mean's.
    error = 1.25 * math.sqrt(spread(fresh) ** 2 / len(fresh) + spread(everything) ** 2 / len(everything))
    expected = 1.25 * within / math.sqrt(ROUNDS)
    print(
        f"{key[0]} {key[1]:<20} spread forked {spread(everything):.2%} fresh {spread(fresh):.2%}"
        f"  fresh - forked {difference:+.2%} +- {error:.2%}"
        f"  servers' medians sd {stdev(median(of) for of in forked):.2%}, expected {expected:.2%}"
    )


def spread(values: list[float]) -> float:
    """Return the deviation that a normal distribution of this median deviation would have: bursts do not move it."""
    middle = median(values)
    return 1.4826 * median(abs(value - middle) for value in values)


if __name__ == "__main__":
    main()
