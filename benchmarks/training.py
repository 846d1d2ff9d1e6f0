"""Compare the parts of training steps with a plain loop.  python benchmarks/training.py [-n ROUNDS]

For each network it alternates samples of benchcli with a loop as people write it (clear the gradients,
forward, loss, backward, update), on a copy of the network, in one process. It prints the sum of the
parts (forward, backward, update) over the time of the loop: the median over rounds, with the 10th and
90th percentile. The script sets the workers' allocator itself.
"""

import argparse
import os
import subprocess
import sys
import time
from statistics import median, quantiles

from benchcli.schema import Costs, Family, Target
from benchcli.workers.variables import worker_environment
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.networks.network_request import named_networks
from benchcli.workloads.overrides import Overrides

NETWORKS = ("shufflenet-v2-1x", "mobilenet-v2-1.0", "shufflenet-v1-1x-g3", "resnet-50")
SIZE = 64
"""Height and width of the images, so that a step takes milliseconds and not seconds."""
NOTHING = Costs(0, 0, 0, 0, 0, 0, 0)


def families() -> list[Family]:
    """Return the networks, and G2's micro-networks, as families of training steps."""
    overrides = Overrides(steps=("train",), batches=(2,))
    networks = named_networks(NETWORKS, SIZE).families(overrides)
    return [*GuidelineRequest(guideline="g2").families(overrides), *networks]


def measure(rounds: int) -> None:
    """Alternate the samples and the loops in this process, and print a row for each network."""
    import torch

    from benchcli.cost.training import gradients
    from benchcli.sampling.bench import Setup, load, prepare
    from benchcli.sampling.rounds import calls_per_sample, no_collection, take_sample
    from benchcli.schema.protocol import LAUNCH, Task

    torch.set_num_threads(1)
    for family in families():
        setup = Setup.of(Task(LAUNCH, Target(), (family,), {}))
        for variant in family.variants:
            bench = prepare(variant, family, NOTHING, setup)
            with gradients():
                network, inputs = load(variant, family, "cpu")
                optimizer = torch.optim.SGD(network.parameters(), lr=0.0)
                call = inputs.bound_to(network)

            def loop(calls: int) -> float:
                start = time.perf_counter()
                for _ in range(calls):
                    optimizer.zero_grad()  # noqa: B023
                    call().mean().backward()  # noqa: B023
                    optimizer.step()  # noqa: B023
                return (time.perf_counter() - start) / calls

            loop(3)
            calls = calls_per_sample(bench.timer(3).seconds / 3, 1e-7)
            ratios = []
            with no_collection():
                for number in range(rounds):
                    loop(1)
                    plain = loop(calls)
                    sample = take_sample(bench, variant.name, calls, 0, number)
                    plain = (plain + loop(calls)) / 2 if number % 2 else plain
                    ratios.append(sum(sample.part_shares) * sample.seconds / plain)
            low, *_, high = quantiles(ratios, n=10)
            name = f"{family.guideline} {variant.name}".strip()
            print(f"{name:<22} parts over a plain loop: {median(ratios):.3f} ({low:.3f} to {high:.3f})", flush=True)


def main() -> None:
    """Restart this script in a worker's environment, and measure there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", "--rounds", type=int, default=40)
    rounds = parser.parse_args().rounds
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        measure(rounds)
    else:
        command = [sys.executable, __file__, "--rounds", str(rounds)]
        subprocess.run(command, check=True, env=worker_environment(Target()))


if __name__ == "__main__":
    main()
