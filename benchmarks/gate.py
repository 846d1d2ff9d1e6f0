"""Measure the gate's false-positive rate and power.  python benchmarks/gate.py [--runs 10]

It runs `benchcli check` repeatedly on two versions that differ only in the length of some networks,
on the quiet machine and under a load of two processes that work in bursts. With `--separate` (one
process per version) there are 36 networks: 30 are equal, and 3 each have 21 and 22 blocks instead
of 20. In one process there are 24 networks: 12 are equal, and 12 have 51 blocks instead of 50.
Every network of every run counts as one check; nothing is resampled.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from load import bursts

HERE = Path(__file__).parent
KINDS = ("dense", "grouped")
MODES = {"separate": {0: 30, 5: 3, 10: 3}, "together": {0: 12, 2: 12}}
"""Mode to the number of networks per slowdown in per cent."""
Tally = dict[int, Counter[str]]
"""Slowdown in per cent to the number of checks with each outcome."""


def names(counts: dict[int, int]) -> list[str]:
    """Return the networks' names, which contain the slowdown in head in per cent."""
    kinds = {more: [KINDS[number % 2] for number in range(count)] for more, count in counts.items()}
    return [
        f"{f'slower-{more}' if more else 'equal'}-{number}-{kind}"
        for more, kinds_of_slowdown in kinds.items()
        for number, kind in enumerate(kinds_of_slowdown)
    ]


def lay_out(place: Path, counts: dict[int, int], blocks: int) -> None:
    """Write both versions: the same code, and a suite with more blocks in head."""
    from towers import KINDS as SHAPES

    for side in ("base", "head"):
        folder = place / side
        folder.mkdir(parents=True)
        (folder / "towers.py").write_text((HERE / "towers.py").read_text())
        families = []
        for name in names(counts):
            more = int(name.split("-")[1]) if name.startswith("slower") and side == "head" else 0
            kind = name.rsplit("-", 1)[1]
            channels, _, size = SHAPES[kind]
            families.append(
                f'[[family]]\nname = "{name}"\nnetwork = "towers:tower"\nshape = [{channels}, {size}, {size}]\n'
                f'arguments = {{ kind = "{kind}", blocks = {blocks + blocks * more // 100} }}\n'
            )
        (folder / "suite.toml").write_text("\n".join(families))


def check(place: Path, number: int, mode: str) -> tuple[dict[str, str], float]:
    """Run one check; return the outcome of each network's time, and the check's seconds."""
    command = [sys.executable, "-m", "benchcli", "check", "suite.toml", "--base", "../base", "--head", "../head"]
    options = ["--allow", "costs,output", "--format", "json", "--output", str(place / f"run-{mode}-{number}")]
    separate = ["--separate"] if mode == "separate" else []
    start = time.monotonic()
    completed = subprocess.run(
        [*command, *options, *separate], cwd=place / "head", check=False, stdout=subprocess.PIPE, text=True
    )
    seconds = time.monotonic() - start
    findings = json.loads(completed.stdout)["findings"]
    return {each["family"]: each["outcome"] for each in findings if each["subject"] == "time"}, seconds


def main() -> None:
    """Check on the quiet machine and under load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=10)
    parser.add_argument("--only", choices=list(MODES))
    parser.add_argument("--state", choices=["quiet", "loaded"])
    options = parser.parse_args()
    for mode, counts in MODES.items():
        for state in ("quiet", "loaded"):
            if options.only in {None, mode} and options.state in {None, state}:
                measure(mode, state, counts, options.runs)


def measure(mode: str, state: str, counts: dict[int, int], runs: int) -> None:
    """Run `runs` checks and print the tally after each of them, since one takes 90 seconds."""
    tally: Tally = {more: Counter() for more in counts}
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        lay_out(place, counts, 20 if mode == "separate" else 50)
        for number in range(runs):
            with bursts(state == "loaded"):
                outcomes, seconds = check(place, number, mode)
            for name, outcome in outcomes.items():
                tally[int(name.split("-")[1]) if name.startswith("slower") else 0][outcome] += 1
            tally_text = "; ".join(f"+{more} %: {dict(outcomes)}" for more, outcomes in tally.items())
            print(f"{mode} {state} run {number + 1}, {seconds:.0f} s; so far {tally_text}", flush=True)


if __name__ == "__main__":
    main()
