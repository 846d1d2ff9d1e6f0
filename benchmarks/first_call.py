"""Time the first calls after a change of variant.  python benchmarks/first_call.py [g1|g2|g3|g4]

It calls every variant of a guideline four times in a row, in shuffled order, and prints how much
longer the first three calls take than the fourth. This is why an untimed call precedes each sample.
The script sets the workers' allocator itself.
"""

import argparse
import os
import random
import subprocess
import sys
import time
from statistics import median

from benchcli.schema import Target
from benchcli.workers.variables import worker_environment
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides

ROUNDS, CALLS, WARM_UP = 150, 4, 20


def measure(guideline: str) -> None:
    """Time the calls in this process and print a row for each variant."""
    import torch

    from benchcli.sampling.bench import load

    torch.set_num_threads(1)
    family = next(GuidelineRequest(guideline=guideline).families(Overrides()))
    with torch.inference_mode():
        networks = {variant.name: load(variant, family, "cpu") for variant in family.variants}
        seconds: dict[tuple[str, int], list[float]] = {}
        for _ in range(ROUNDS):
            for name in random.sample(list(networks), len(networks)):
                network, inputs = networks[name]
                for call in range(CALLS):
                    start = time.perf_counter()
                    network(inputs)
                    seconds.setdefault((name, call), []).append(time.perf_counter() - start)
    medians = {key: median(values[WARM_UP:]) for key, values in seconds.items()}
    for name in networks:
        ratios = [medians[name, call] / medians[name, CALLS - 1] for call in range(CALLS - 1)]
        changes = "  ".join(f"{(ratio - 1) * 100:+5.1f} %" for ratio in ratios)
        print(f"{name:<20} calls 1, 2, 3 relative to call 4: {changes}")


def main() -> None:
    """Restart this script in a worker's environment, and measure there."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guideline", nargs="?", default="g2")
    guideline = parser.parse_args().guideline
    if "MALLOC_TRIM_THRESHOLD_" in os.environ:
        measure(guideline)
    else:
        subprocess.run([sys.executable, __file__, guideline], check=True, env=worker_environment(Target()))


if __name__ == "__main__":
    main()
