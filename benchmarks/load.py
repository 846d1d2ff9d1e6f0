"""Create a load of processes that work in bursts.  python benchmarks/load.py 60

Each process spins for a random time of 0.05 to 1.5 s, then rests for another. Other scripts start
the load with `bursts()`.
"""

import argparse
import multiprocessing
import os
import random
import time
from collections.abc import Iterator
from contextlib import contextmanager

PROCESSES = 2
SHORTEST_S, LONGEST_S = 0.05, 1.5


def burst(seed: int) -> None:
    """Spin and rest alternately until the parent process ends."""
    rng, parent = random.Random(seed), os.getppid()
    while os.getppid() == parent:
        end = time.perf_counter() + rng.uniform(SHORTEST_S, LONGEST_S)
        while time.perf_counter() < end:
            pass
        time.sleep(rng.uniform(SHORTEST_S, LONGEST_S))


@contextmanager
def bursts(wanted: bool = True) -> Iterator[None]:
    """Keep the load running during the block, if `wanted`."""
    context = multiprocessing.get_context("spawn")
    processes = [context.Process(target=burst, args=(seed,), daemon=True) for seed in range(PROCESSES * wanted)]
    for process in processes:
        process.start()
    try:
        yield
    finally:
        for process in processes:
            process.kill()
            process.join()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=float)
    duration_s = parser.parse_args().seconds
    with bursts():
        time.sleep(duration_s)
