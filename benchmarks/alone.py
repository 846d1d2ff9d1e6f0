"""Compare benchcli's figures with processes that run one network alone.  python benchmarks/alone.py

For every network of the guidelines at x1 and x2 it makes processes that build this network and no
other, in turns with the launches of benchcli, which measure a family each. All of them look for a
core at its usual pace, and samples on a slow core count for neither. `--fresh` starts an interpreter
for each process instead of forking it, which takes ten times as long.

For every relative speed it prints the medians of both ways, their difference with its standard
error, and, where either way has two modes, their speeds and shares. A process alone has no baseline
beside it: the speed is the median time of the baseline's processes over that of the network's, and
the modes are those of its times.
"""

import argparse
import math
import random
from collections.abc import Sequence
from dataclasses import replace
from statistics import median

from launches import spread

from benchcli.noise.pace import marked, usual
from benchcli.sampling.supervise import survey
from benchcli.schema import SLOW_CORE, Family, Mode, Plan, Sample, Target
from benchcli.schema.protocol import LAUNCH, Launcher, Sampled, Task
from benchcli.statistics import launch_log_ratios, launch_log_seconds, modes
from benchcli.system.machine import cpu_model
from benchcli.workers.process import Workers
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides

Samples = dict[tuple[str, str, str], list[Sample]]
"""By way, family and variant."""
ALONE_S, ALONE_ROUNDS = 0.05, 8
MOST_APART = 0.02


def main() -> None:
    """Measure both ways in turns and print how far they are apart."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("guidelines", nargs="?", default="g1,g2,g3,g4")
    parser.add_argument("-n", type=int, default=40, help="processes of each network, and launches of each family")
    parser.add_argument("--scale", default="1,2")
    parser.add_argument("--fresh", action="store_true", help="start an interpreter for each process alone")
    asked = parser.parse_args()
    scales = tuple(map(int, asked.scale.split(",")))
    by_guideline = [
        tuple(GuidelineRequest(guideline=name, scales=scales).families(Overrides()))
        for name in asked.guidelines.split(",")
    ]
    samples = measured(by_guideline, asked.n, asked.fresh)
    print(f"{cpu_model()}: {asked.n} processes each, {'fresh' if asked.fresh else 'forked'}")
    apart = [each for families in by_guideline for family in families for each in compared(family, samples)]
    print(f"median difference {median(map(abs, apart)):.1%}, largest {max(map(abs, apart)):.1%}, ", end="")
    print(f"within {MOST_APART:.0%}: {sum(abs(each) <= MOST_APART for each in apart)} of {len(apart)}")


def measured(by_guideline: Sequence[Sequence[Family]], number: int, fresh: bool) -> Samples:
    """Return the samples of both ways, those on a slow core marked."""
    target, found = Target(), Samples()
    everything = tuple(family for families in by_guideline for family in families)
    costs = survey(everything, target, Plan(), Workers(forks=False).run).costs
    by_family = {f.name: {name: each for (of, name), each in costs.items() if of == f.name} for f in everything}

    def launch(way: str, launcher: Launcher, families: Sequence[Family], turn: int) -> None:
        task = Task(LAUNCH, target, tuple(families), by_family, launch=turn, seed=turn)
        if way == "alone":
            task = replace(task, seconds=ALONE_S, rounds=ALONE_ROUNDS)
        for event in launcher(task, 60.0):
            if isinstance(event, Sampled):
                found.setdefault((way, event.family, event.sample.variant), []).append(event.sample)

    single = [replace(f, variants=(v,), references=()) for f in everything for v in f.variants]
    with Workers(forks=True) as server:
        for turn in range(number):
            for families in by_guideline:
                launch("benchcli", server, families, turn)
            for family in random.Random(turn).sample(single, len(single)):
                launch("alone", Workers(forks=False).run if fresh else server, [family], turn)
    usual_s = usual(sample for several in found.values() for sample in several)
    return {key: marked(several, usual_s) for key, several in found.items()}


def compared(family: Family, samples: Samples) -> list[float]:
    """Print a line for each relative speed; return the differences of the logarithms."""
    differences = []
    for variant in family.variants[1:]:
        both = {
            way: (samples[way, family.name, family.baseline], samples[way, family.name, variant.name])
            for way in ("benchcli", "alone")
        }
        together = list(launch_log_ratios(*both["benchcli"]).values())
        baseline, own = (list(launch_log_seconds(usable(each)).values()) for each in both["alone"])
        alone = median(baseline) - median(own)
        difference = median(together) - alone
        error = math.sqrt(sum((1.25 * spread(each)) ** 2 / len(each) for each in (together, baseline, own)))
        print(
            f"{family.name:<6} {variant.name:<20} benchcli {math.exp(median(together)):.3f}  "
            f"alone {math.exp(alone):.3f}  {difference:+.1%} +- {error:.1%}  "
            f"{described('benchcli', modes(together))}{described('alone', modes(median(baseline) - x for x in own))}"
        )
        differences.append(difference)
    return differences


def usable(samples: Sequence[Sample]) -> list[Sample]:
    """Return the samples that were not taken on a slow core."""
    return [each for each in samples if each.excluded != SLOW_CORE]


def described(way: str, found: Sequence[Mode]) -> str:
    """Return the modes of one way as text; empty if there is one."""
    return f"{way}: " + " and ".join(f"{each.speed:.3f} in {each.share:.0%}" for each in found) + "; " if found else ""


if __name__ == "__main__":
    main()
