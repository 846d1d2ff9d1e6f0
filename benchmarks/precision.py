"""Measure the time until every half-width is 1 %.  python benchmarks/precision.py

It runs all guidelines at x1 and x2 (34 networks, 26 relative speeds) with benchcli, then G2 at x1
(4 networks) with pyperf's default settings. It prints times and half-widths. pyperf's time for all
networks is extrapolated from those four. Needs the extra `peers`.
"""

import argparse
import math
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pandas
from networks import family
from peers import HERE, peer

NETWORKS = 34


def main() -> None:
    """Run both tools and print the ratio of their times."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with tempfile.TemporaryDirectory() as place:
        benchcli_s = benchcli(Path(place) / "all")
        pyperf_s = pyperf(Path(place) / "pyperf.json")
    print(f"ratio of the times: {pyperf_s / benchcli_s:.1f}")


def benchcli(folder: Path) -> float:
    """Measure all networks, print the half-widths above 1 %, and return the seconds it took."""
    start = time.monotonic()
    command = [sys.executable, "-m", "benchcli", "guideline", "all", "--scale", "1,2", "--output", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    seconds = time.monotonic() - start
    rows = pandas.read_csv(folder / "measurements.csv")
    rows = rows[rows["variant"] != rows["baseline"]]
    widths = (rows["relative_high"] - rows["relative_low"]) / 2 / rows["relative_speed"]
    print(f"benchcli: {seconds:.0f} s, {(widths <= 0.01).sum()} of {len(rows)} within 1 %, widest {widths.max():.2%}")
    for family_, variant, width in zip(rows["family"], rows["variant"], widths, strict=True):
        if width > 0.01:
            print(f"  {family_} {variant}: {width:.2%}")
    return seconds


def pyperf(path: Path) -> float:
    """Measure four networks, print their half-widths, and return the time extrapolated to all."""
    start = time.monotonic()
    peer("steady", str(HERE / "peer_pyperf.py"), "-q", "-o", str(path))
    seconds = time.monotonic() - start
    import pyperf as library

    benchmarks = {each.get_name(): each for each in library.BenchmarkSuite.load(str(path)).get_benchmarks()}
    # The values of one process are correlated: their mean counts once.
    errors = {}
    for name, benchmark in benchmarks.items():
        means = [sum(run.values) / len(run.values) for run in benchmark.get_runs() if run.values]
        centre = sum(means) / len(means)
        spread = math.sqrt(sum((each - centre) ** 2 for each in means) / (len(means) - 1))
        errors[name] = spread / centre / math.sqrt(len(means))
    scaled = seconds / len(benchmarks) * NETWORKS
    print(f"pyperf: {seconds:.0f} s for {len(benchmarks)} networks, so {scaled:.0f} s for {NETWORKS}")
    first = family().baseline
    for name, error in errors.items():
        if name != first:
            print(f"  {name}: half-width of its ratio to {first} {1.96 * math.hypot(error, errors[first]):.2%}")
    return scaled


if __name__ == "__main__":
    main()
