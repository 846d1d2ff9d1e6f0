"""Compare a setting with itself under two names, and count how often the interval covers 1.

    python benchmarks/settings.py [--comparisons 100] [--launches 8]

Each comparison is of one micro-network in two families of equal dtype, layout and batch, measured in
turns as `--dtype float32,bfloat16` measures two dtypes. 95 % of the intervals should contain 1.
"""

import argparse
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from benchcli.runs.measured_suite import RunRequest, run_suite
from benchcli.schema import Family, Plan, Suite
from benchcli.statistics import Count
from benchcli.workers.tools import Tools
from benchcli.workloads.guidelines.base import EXPERIMENTS
from benchcli.workloads.guidelines.guideline_request import GuidelineRequest
from benchcli.workloads.overrides import Overrides

WIDTHS = (32, 48, 64)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--comparisons", type=int, default=100)
    parser.add_argument("--launches", type=int, default=8)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        suite = Suite("same", "", tuple(families(given.comparisons)))
        report = run_suite(RunRequest(suite, plan=Plan(launches=given.launches), output=Path(place) / "run"), Tools())
    speeds = [record.timing.setting for record in report.records if record.timing and record.timing.setting]
    covered = Count(sum(speed.holds(1.0) for speed in speeds), len(speeds))
    rate = covered.interval
    print(f"{covered.found} of {covered.of} intervals contain 1: {rate.low:.1%} to {rate.high:.1%} at 95 % confidence")
    widths = sorted(speed.relative_half_width or 0.0 for speed in speeds)
    print(f"median half-width {widths[len(widths) // 2]:.2%}, largest {widths[-1]:.2%}")


def families(comparisons: int) -> Iterator[Family]:
    """Yield two equal families for each comparison, of one network each."""
    networks = [
        (family, variant)
        for guideline in EXPERIMENTS
        for width in WIDTHS
        for family in GuidelineRequest(guideline=guideline.name, widths=width, size=14).families(Overrides())
        for variant in family.variants
    ]
    for number in range(comparisons):
        family, variant = networks[number % len(networks)]
        first = f"same-{number}"
        for name in (first, f"{first}-again"):
            # One guideline for all, so that they share their launches.
            yield replace(family, name=name, guideline="g2", first=first, variants=(variant,))


if __name__ == "__main__":
    main()
