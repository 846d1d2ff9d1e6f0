"""How long commands take, start-up included: this version beside an earlier one.

`python benchmarks/version_speed.py a360077` lays out benchcli as it was at that commit, and runs three
commands with both, alternately: a guideline with one launch, which is the time to the first launch and
that launch; the costs of a network; and a check of two equal folders, whose launches a minute it prints.
`--only check` is one of them. Takes from 5 minutes, alone on the machine, to half an hour, where checks
stay inconclusive.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median

from earlier import ROOT, lay_out, python

NET = """from torch import nn
def tower(width=16):
    return nn.Sequential(*(nn.Conv2d(width, width, 3, padding=1) for _ in range(10)))
"""
SUITE = """[[family]]
name = "tower"
network = "net:tower"
shape = [16, 28, 28]
[[family.variant]]
name = "narrow"
[[family.variant]]
name = "wide"
arguments = { width = 32 }
shape = [32, 28, 28]
"""
COMMANDS = {
    "guideline g2, one launch": ("guideline", "g2", "--width", "32", "--launches", "1", "--output", "OUT"),
    "costs of shufflenet-v2-1x": ("costs", "shufflenet-v2-1x"),
    "check of two equal folders": ("check", "ours.toml", "--base", "old", "--head", "new", "--output", "OUT"),
}


def seconds(package: Path, place: Path, words: tuple[str, ...]) -> float:
    """Return the seconds of one command; of a check, the seconds of a launch."""
    output = Path(tempfile.mkdtemp(dir=place)) / "out"
    arguments = [str(output) if word == "OUT" else word for word in words]
    start = time.perf_counter()
    done = python(package, ["-m", "benchcli", *arguments], place, OMP_NUM_THREADS="1")
    passed = time.perf_counter() - start
    if done.returncode not in {0, 4}:  # one launch gives no verdict
        sys.exit(done.stderr)
    return passed / launches(output) if words[0] == "check" else passed


def launches(output: Path) -> int:
    """Return how many launches a check has recorded."""
    _, *rows = (output / "launches.csv").read_text(encoding="utf-8").splitlines()
    return len({row.split(",")[1] for row in rows})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("commit", help="an earlier commit of benchcli")
    parser.add_argument("--times", type=int, default=10, help="how often each (default: 10)")
    parser.add_argument("--only", default="", help="only commands whose name begins so")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        old = lay_out(options.commit, place / "earlier")
        (place / "ours.toml").write_text(SUITE, encoding="utf-8")
        for name in ("old", "new"):
            (place / name).mkdir()
            (place / name / "net.py").write_text(NET, encoding="utf-8")
        for name in (each for each in COMMANDS if each.startswith(options.only)):
            compare(name, options.times, partial(seconds, place=place, words=COMMANDS[name]), old)


def compare(name: str, times: int, measured: Callable[[Path], float], old: Path) -> None:
    """Print the medians of both versions, and of their ratios."""
    pairs = [(measured(old), measured(ROOT)) for _ in range(times)]
    old_s, new_s = (median(each) for each in zip(*pairs, strict=True))
    ratio = median(new / old for old, new in pairs)
    unit = "s a launch" if name.startswith("check") else "s"
    minute = f" ({60 / old_s:.0f} and {60 / new_s:.0f} launches a minute)" if name.startswith("check") else ""
    print(f"{name:28} before {old_s:.2f}, now {new_s:.2f} {unit}: {ratio:.2f} times as long{minute}", flush=True)


if __name__ == "__main__":
    main()
