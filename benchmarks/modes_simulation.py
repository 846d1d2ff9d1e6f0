"""Simulate how often two modes are found where there is one, and where there are two.

python benchmarks/modes_simulation.py [--rows 2000]

Each row is a relative speed with a value for each launch, of a spread of 3 %. They go through the
code that judges a run. Two modes lie as many of their own standard deviations apart as is said.
"""

import argparse
import math
import random
from collections.abc import Callable

from benchcli.statistics import modes

SPREAD = 0.03
LAUNCHES = (12, 16, 20, 30, 60)
Draw = Callable[[random.Random], float]
ONE: dict[str, Draw] = {
    "normal": lambda rng: rng.gauss(0, 1),
    "skewed (gamma, shape 2)": lambda rng: (rng.gammavariate(2, 1) - 2) / math.sqrt(2),
    "heavy tails (Student, 3)": lambda rng: rng.gauss(0, 1) / math.sqrt(2 * rng.gammavariate(1.5, 2)),
    "log-normal": lambda rng: math.exp(rng.gauss(0, 0.5)),
    "uniform": lambda rng: rng.uniform(-1.7, 1.7),
}
TWO: dict[str, tuple[float, float]] = {
    f"{100 - 100 * share:.0f}:{100 * share:.0f}, {apart:.0f} apart": (share, apart)
    for share in (0.5, 0.3, 0.1)
    for apart in (5.0, 8.0)
}


def main() -> None:
    """Print the share of rows with two modes, by launches."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=2000)
    rows, rng = parser.parse_args().rows, random.Random(26)
    print("| launches' values |", " | ".join(f"{number} launches" for number in LAUNCHES), "|")
    print("|---" * (len(LAUNCHES) + 1) + "|")
    for name, draw in ONE.items():
        print(f"| one mode: {name} |", " | ".join(rate(draw, rng, number, rows) for number in LAUNCHES), "|")
    for name, (share, apart) in TWO.items():

        def mixed(rng: random.Random, share: float = share, apart: float = apart) -> float:
            return rng.gauss(apart if rng.random() < share else 0.0, 1)

        print(f"| two modes: {name} |", " | ".join(rate(mixed, rng, number, rows) for number in LAUNCHES), "|")


def rate(draw: Draw, rng: random.Random, launches: int, rows: int) -> str:
    """Return the share of rows in which two modes are found, in per cent."""
    found = sum(bool(modes([SPREAD * draw(rng) for _ in range(launches)])) for _ in range(rows))
    return f"{found / rows:.1%}"


if __name__ == "__main__":
    main()
