"""Compare consecutive runs of all guidelines.  python benchmarks/repeatability.py [--runs 3] [--scale 1,2]

For every variant it prints the relative speed in each run, the largest difference between two runs,
and the first run's half-width. For every family it prints the verdicts. They agree if they are
equal, or if one of them is inconclusive.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import pandas

import benchcli
from benchcli.api.run_result import Run


def run(folder: Path, scale: str) -> Run:
    """Measure all guidelines into a folder and return the run."""
    command = [sys.executable, "-m", "benchcli", "guideline", "all", "--scale", scale, "--output", str(folder)]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    recorded = benchcli.load(folder)
    assert isinstance(recorded, Run)
    return recorded


def speeds(runs: Sequence[Run]) -> pandas.DataFrame:
    """Return a row for each variant except the baselines: its relative speed in each run."""
    frames = [each.wide() for each in runs]
    frame = pandas.DataFrame({f"run {number}": each["relative_speed"] for number, each in enumerate(frames, 1)})
    first = frames[0]
    table = frame.assign(
        **{
            "difference_%": (frame.max(axis=1) / frame.min(axis=1) - 1) * 100,
            "half_width_%": (first["relative_high"] - first["relative_low"]) / 2 / first["relative_speed"] * 100,
        }
    )
    rows: pandas.DataFrame = table[first["baseline"] != first.index.get_level_values("variant")]
    return rows


def agree(outcomes: Sequence[str]) -> bool:
    """Return whether verdicts are equal, except perhaps one that is inconclusive."""
    decided = [outcome for outcome in outcomes if outcome != "inconclusive"]
    return len(set(decided)) == 1 and len(decided) >= len(outcomes) - 1


def main() -> None:
    """Run several times and print the differences."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scale", default="1,2")
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as place:
        runs = [run(Path(place) / str(number), arguments.scale) for number in range(arguments.runs)]
        table = speeds(runs)
        verdicts = {
            of_family[0].family: [verdict.outcome for verdict in of_family]
            for of_family in zip(*(each.verdicts for each in runs), strict=True)
        }
    print(table.round(3).to_string())
    print(f"largest difference: {table['difference_%'].max():.1f} %")
    print(f"largest half-width: {table['half_width_%'].max():.1f} %")
    print(f"half-widths within 1 %: {(table['half_width_%'] <= 1).sum()} of {len(table)}")
    for family, outcomes in verdicts.items():
        print(f"{family}: {', '.join(outcomes)}")
    print(f"verdicts that agree: {sum(map(agree, verdicts.values()))} of {len(verdicts)}")


if __name__ == "__main__":
    main()
