"""Measure the effect of the allocator on times.  python benchmarks/allocator.py [g1|g2|g3|g4]

It measures one guideline three times under each of the two allocators, alternately. It prints the
relative speeds, their range over the runs, and the minor faults per call.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas

RUNS = 3


def run(folder: Path, guideline: str, allocator: str) -> pandas.DataFrame:
    """Measure a guideline into a folder and return its rows."""
    command = [
        sys.executable,
        "-m",
        "benchcli",
        "guideline",
        guideline,
        "--allocator",
        allocator,
        "--output",
        str(folder),
    ]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return pandas.read_csv(folder / "measurements.csv")


def main() -> None:
    """Measure under both allocators alternately and print the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("guideline", nargs="?", default="g2")
    guideline = parser.parse_args().guideline
    with tempfile.TemporaryDirectory() as place:
        rows = pandas.concat(
            run(Path(place) / f"{number}-{allocator}", guideline, allocator).assign(allocator=allocator)
            for number in range(RUNS)
            for allocator in ("steady", "system")
        )
    table = rows.groupby(["variant", "allocator"], sort=False).agg(
        time_ms=("median_s", lambda seconds: seconds.median() * 1e3),
        relative_speed=("relative_speed", "median"),
        lowest=("relative_speed", "min"),
        highest=("relative_speed", "max"),
        faults_per_call=("faults_per_call", "max"),
    )
    print(table.round(3).to_string())


if __name__ == "__main__":
    main()
