"""Compare the spread of forked and of fresh launches.  python benchmarks/launches.py [g1,g2,g4]

It keeps several fork servers and launches from each in turn. Half as often it launches a fresh
process, so that both kinds run in the same minutes. For every relative speed it prints the spread
of both kinds, the difference of their medians with its standard error, and the spread of the
servers' medians with the value expected from the spread within the servers.
"""

import argparse
import math
from contextlib import ExitStack
from statistics import mean, median, stdev

from benchcli.sampling.supervise import survey
from benchcli.schema import Plan, Sample, Target
from benchcli.schema.protocol import LAUNCH, Launcher, Sampled, Task
from benchcli.statistics import launch_log_ratios
from benchcli.workers.process import Workers
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides

SERVERS, ROUNDS = 4, 8
Ratios = dict[tuple[str, str], float]


def main() -> None:
    """Launch both kinds alternately and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guidelines", nargs="?", default="g1,g2,g4")
    names = parser.parse_args().guidelines.split(",")
    families = tuple(family for name in names for family in GuidelineRequest(guideline=name).families(Overrides()))
    target = Target()
    costs = survey(families, target, Plan(), Workers(forks=False).run).costs
    costs_by_family = {f.name: {v.name: costs[f.name, v.name] for v in f.variants} for f in families}

    def launch(launcher: Launcher, number: int) -> Ratios:
        task = Task(LAUNCH, target, families, costs_by_family, launch=number, seed=number)
        samples: dict[tuple[str, str], list[Sample]] = {}
        for event in launcher(task, 60.0):
            if isinstance(event, Sampled):
                samples.setdefault((event.family, event.sample.variant), []).append(event.sample)
        return {
            (f.name, v.name): launch_log_ratios(samples[f.name, f.baseline], samples[f.name, v.name])[number]
            for f in families
            for v in f.variants[1:]
        }

    forked: list[list[Ratios]] = [[] for _ in range(SERVERS)]
    fresh: list[Ratios] = []
    with ExitStack() as stack:
        servers = [stack.enter_context(Workers(forks=True)) for _ in forked]
        for number in range(ROUNDS):
            for index, server in enumerate(servers):
                forked[index].append(launch(server, number * SERVERS + index))
                if index % 2:
                    fresh.append(launch(Workers(forks=False).run, 1000 + number * SERVERS + index))
    for key in fresh[0]:
        forked_values = [[ratios[key] for ratios in launches] for launches in forked]
        report(key, forked_values, [ratios[key] for ratios in fresh])


def report(key: tuple[str, str], forked: list[list[float]], fresh: list[float]) -> None:
    """Print the line of one relative speed. `forked` has one list per fork server."""
    all_forked = [value for values in forked for value in values]
    within = math.sqrt(mean(spread(values) ** 2 for values in forked))
    difference = median(fresh) - median(all_forked)
    # The standard error of a median is 25 % larger than that of a mean.
    error = 1.25 * math.sqrt(spread(fresh) ** 2 / len(fresh) + spread(all_forked) ** 2 / len(all_forked))
    expected = 1.25 * within / math.sqrt(ROUNDS)
    print(
        f"{key[0]} {key[1]:<20} spread forked {spread(all_forked):.2%} fresh {spread(fresh):.2%}"
        f"  fresh - forked {difference:+.2%} +- {error:.2%}"
        f"  servers' medians sd {stdev(median(values) for values in forked):.2%}, expected {expected:.2%}"
    )


def spread(values: list[float]) -> float:
    """Return the scaled median absolute deviation.

    For a normal distribution it equals the standard deviation. Bursts of other work do not affect
    it.
    """
    middle = median(values)
    return 1.4826 * median(abs(value - middle) for value in values)


if __name__ == "__main__":
    main()
