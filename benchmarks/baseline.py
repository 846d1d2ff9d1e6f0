"""Check networks against a recorded run, with one of three slowed by 10 %.

    python benchmarks/baseline.py [--checks 20]

It records a run of a family of three networks: one bound by arithmetic, one by memory, and one of
convolutions with batch normalisation and ReLU. Then it runs `benchcli check --baseline` again and
again. In each check another network has 22 blocks instead of 20; in every fourth check none has. It
prints how often exactly the slowed network was called slower, and how often an unchanged one was.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

NETWORKS = ("dense", "grouped", "normalised")
CODE = """
from torch import nn

def dense(blocks=20):
    return nn.Sequential(*(nn.Conv2d(64, 64, 1, bias=False) for _ in range(blocks)))

def grouped(blocks=20):
    return nn.Sequential(*(nn.Conv2d(128, 128, 1, groups=8, bias=False) for _ in range(blocks)))

def normalised(blocks=20):
    layers = ([nn.Conv2d(32, 32, 3, padding=1, bias=False), nn.BatchNorm2d(32), nn.ReLU()] for _ in range(blocks))
    return nn.Sequential(*(layer for group in layers for layer in group))
"""
SHAPES = {"dense": [64, 28, 28], "grouped": [128, 28, 28], "normalised": [32, 28, 28]}
BLOCKS, SLOWED = 20, 22


def suite(slowed: str | None) -> str:
    """Return the suite's text, with one network slowed."""
    variants = [
        f'[[family.variant]]\nname = "{name}"\nnetwork = "nets:{name}"\nshape = {SHAPES[name]}\n'
        f"arguments = {{ blocks = {SLOWED if name == slowed else BLOCKS} }}\n"
        for name in NETWORKS
    ]
    return '[[family]]\nname = "three"\n' + "".join(variants)


def benchcli(place: str, *arguments: str) -> str:
    """Run benchcli in a folder and return its output; 3 is a regression, which is expected here."""
    command = [sys.executable, "-m", "benchcli", *arguments]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 3):
        raise SystemExit(f"{' '.join(command)} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def outcomes(place: str, slowed: str | None) -> dict[str, str]:
    """Return the outcome of each network's time in one check."""
    Path(place, "three.toml").write_text(suite(slowed))
    found = benchcli(place, "check", "three.toml", "--baseline", "then", "--format", "json")
    return {each["variant"]: each["outcome"] for each in json.loads(found)["findings"] if each["subject"] == "time"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--checks", type=int, default=20)
    checks = parser.parse_args().checks
    exact: Counter[str] = Counter()
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as place:
        Path(place, "nets.py").write_text(CODE)
        Path(place, "three.toml").write_text(suite(None))
        benchcli(place, "run", "three.toml", "--output", "then")
        for number in range(checks):
            slowed = (*NETWORKS, None)[number % 4]
            found = outcomes(place, slowed)
            slower = [name for name, outcome in found.items() if outcome == "slower"]
            exact[str(slowed)] += slower == ([slowed] if slowed else [])
            print(
                f"{slowed or 'none':<12} slowed: {', '.join(f'{name} {found[name]}' for name in NETWORKS)}", flush=True
            )
    total = sum(exact.values())
    print(f"exactly the slowed network was called slower in {total} of {checks} checks: {dict(exact)}")
    print(f"{(time.monotonic() - begun) / (checks + 1):.0f} s a check")


if __name__ == "__main__":
    main()
