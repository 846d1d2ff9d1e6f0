"""How long does a sweep take, how precise is it, and do two sweeps agree?

    python benchmarks/sweeps.py [--budget 29] [--precision 0.02] [--runs 2]

The sweep is of a 1x1 convolution of 58 widths and 1, 2 and 4 groups, as in `benchcli sweep conv --in 28..256:4
--groups 1,2,4`. It prints its seconds, how many widths were measured, the half-widths of their relative speeds, and,
of two sweeps, by how much the speeds of a multiply-add differ, and in how many widths the advice is the opposite.
"""

import argparse
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path
from statistics import median, quantiles

import benchcli
from benchcli.analysis.sweep_findings import SweptPoint, points_of
from benchcli.api.run_result import Run
from benchcli.formatting import percent
from benchcli.schema import Timing
from benchcli.system.machine import cpu_model

WIDTHS, GROUPS = range(28, 257, 4), (1, 2, 4)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=float, default=29.0, metavar="SECONDS", help="for each of the three lines")
    parser.add_argument("--precision", type=float, default=0.02, help="half-width at which a width is done")
    parser.add_argument("--runs", type=int, default=2)
    given = parser.parse_args()
    print(cpu_model())
    sweeps = [swept(given.budget, given.precision) for _ in range(given.runs)]
    for one, other in pairwise(sweeps):
        both = [key for key in one if key in other]
        rates = [(a.estimate, b.estimate) for key in both if (a := one[key].rate) and (b := other[key].rate)]
        differences = [abs(b / a - 1) for a, b in rates]
        opposite = sum({one[key].advice, other[key].advice} == {"choose", "avoid"} for key in both)
        print(
            f"two sweeps: {len(both)} widths in both, speeds differ by {percent(median(differences))} in the median, "
            f"by at most {percent(max(differences))}; the advice is the opposite in {opposite}"
        )
    return 0


def swept(budget_s: float, precision: float) -> dict[tuple[str, int], SweptPoint]:
    """Do a sweep, print what it took, and return its points."""
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder:
        run = benchcli.sweep(
            "conv", in_=WIDTHS, groups=GROUPS, budget=budget_s, precision=precision, output=Path(folder) / "run"
        )
        took_s = time.perf_counter() - begun
        print(run)
    halves = [half for each in run.records if (half := _half_width(each.timing)) is not None]
    precise = sum(half <= 0.02 for half in halves)
    print(
        f"{took_s:.0f} s: {len(run.records)} of {len(WIDTHS) * len(GROUPS)} widths measured, {precise} within ±2 %, "
        f"half-widths {percent(median(halves))} in the median, {percent(quantiles(halves, n=10)[-1])} for nine of ten"
    )
    return {(each.line, each.value): each for each in _points(run)}


def _half_width(timing: Timing | None) -> float | None:
    return timing.relative.relative_half_width if timing and timing.relative else None


def _points(run: Run) -> list[SweptPoint]:
    return [
        point
        for result in run.details.results
        for point in points_of(result.family.name, result.family.swept_axis, result.records)
    ]


if __name__ == "__main__":
    sys.exit(main())
