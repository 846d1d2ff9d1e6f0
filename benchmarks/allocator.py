"""What does the allocator do to a time?  python benchmarks/allocator.py [g1|g2|g3|g4]

Measures one guideline under both allocators in turn, three times each, and prints the relative speeds, their spread
from run to run, and the minor faults a call.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas

RUNS = 3


def run(folder: Path, guideline: str, allocator: str) -> pandas.DataFrame:
    """Measure into a folder and return its rows."""
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
    """Alternate the allocators and compare."""
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
