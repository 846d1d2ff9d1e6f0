"""What the guards against dishonest changes cost a check: this version beside an earlier one.

`python benchmarks/guards.py f3c0256` lays out benchcli as it was at that commit, and alternates it with
this version: a check of 12 user networks against an unchanged folder, 10 times each. The threshold is
so large that the screening launches judge every network: how many more a check makes depends on the
machine's noise, and not on the version. A check of the default threshold takes longer, and the guards a
smaller share of it. Takes about 5 minutes, alone on the machine.
"""

import argparse
import json
import shutil
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from earlier import ROOT, lay_out, python

NET = """from torch import nn
def build(width):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1), nn.ReLU(), nn.Conv2d(width, width, 3, padding=1), nn.BatchNorm2d(width)
    )
"""
FAMILY = """[[family]]
name = "n{width}"
network = "net:build"
arguments = {{ width = {width} }}
shape = [3, 28, 28]
"""


def check(package: Path, place: Path) -> float:
    """Return the seconds of a check, from start to end of its process."""
    shutil.rmtree(place / "out", ignore_errors=True)
    command = ["check", "mine.toml", "--base", "base", "--head", "head", "--threshold", "50%", "--output", "out"]
    start = time.perf_counter()
    done = python(package, ["-m", "benchcli", *command], place)
    seconds = time.perf_counter() - start
    facts = json.loads((place / "out" / "environment.json").read_text())["check"]
    if done.returncode != 0 or facts["confirmations"]:
        sys.exit(f"exit code {done.returncode} after {facts['confirmations']} confirming launches: {done.stderr}")
    return seconds


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="a commit of benchcli before the guards")
    parser.add_argument("--times", type=int, default=10, help="how often each (default: 10)")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        old = lay_out(options.commit, place / "old")
        for side in ("base", "head"):
            (place / side).mkdir()
            (place / side / "net.py").write_text(NET)
        (place / "mine.toml").write_text("".join(FAMILY.format(width=width) for width in range(8, 32, 2)))
        ratios = []
        for number in range(options.times):
            old_s, new_s = check(old, place), check(ROOT, place)
            ratios.append(new_s / old_s)
            print(f"{number + 1}: {old_s:.1f} s and {new_s:.1f} s", flush=True)
    ratios.sort()
    print(f"with the guards {median(ratios):.3f} times as long (from {ratios[0]:.3f} to {ratios[-1]:.3f})")


if __name__ == "__main__":
    main()
