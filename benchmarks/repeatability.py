"""Compare two consecutive runs.  python benchmarks/repeatability.py [--scale 1,2]

It runs `benchcli guideline all` twice. For every variant it prints both relative speeds, their
difference, and the first run's half-width.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

import pandas


def run(folder: Path, scale: str) -> pandas.DataFrame:
    """Measure all guidelines into a folder and return the rows except the baselines'."""
    command = [sys.executable, "-m", "benchcli", "guideline", "all", "--scale", scale, "--output", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    rows = pandas.read_csv(folder / "measurements.csv")
    return rows[rows["variant"] != rows["baseline"]]


def main() -> None:
    """Run twice and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--scale", default="1,2")
    scale = parser.parse_args().scale
    with tempfile.TemporaryDirectory() as place:
        first, second = (run(Path(place) / name, scale) for name in ("first", "second"))
    both = first.merge(second, on=["family", "variant"], suffixes=("_1", "_2"))
    both["difference_%"] = (both["relative_speed_2"] / both["relative_speed_1"] - 1) * 100
    both["half_width_%"] = (both["relative_high_1"] - both["relative_low_1"]) / 2 / both["relative_speed_1"] * 100
    columns = ["family", "variant", "relative_speed_1", "relative_speed_2", "difference_%", "half_width_%"]
    print(both[columns].round(3).to_string(index=False))
    print(f"largest difference: {both['difference_%'].abs().max():.1f} %")
    print(f"largest half-width: {both['half_width_%'].max():.1f} %")
    print(f"half-widths within 1 %: {(both['half_width_%'] <= 1).sum()} of {len(both)}")
    print(f"most minor faults per call: {both[['faults_per_call_1', 'faults_per_call_2']].max().max():.2f}")


if __name__ == "__main__":
    main()
