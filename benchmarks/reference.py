"""Measure the runs that results/reference keeps.  python benchmarks/reference.py [NAME ...]

Each run is measured into a new folder, and replaces the kept one only when it is complete. Run it on
a machine that does nothing else, from a commit: the runs record it.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Mapping
from pathlib import Path

KEPT = Path(__file__).parent.parent / "results" / "reference"
RUNS = KEPT / "runs.toml"
"""Names of the kept runs and their commands."""


def commands() -> Mapping[str, str]:
    """Return the command of each kept run, without the name of the program."""
    runs: Mapping[str, str] = tomllib.loads(RUNS.read_text(encoding="utf-8"))["runs"]
    return runs


def measure(name: str, command: str) -> None:
    """Measure one run, write its table, and replace the kept one."""
    with tempfile.TemporaryDirectory(dir=KEPT) as place:
        folder = Path(place) / name
        program = [sys.executable, "-m", "benchcli", *command.split()]
        done = subprocess.run(
            [*program, "--output", str(folder), "--format", "markdown"], text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise SystemExit(f"{name}: benchcli {command} ended with {done.returncode}: {done.stderr}")
        table = done.stdout.replace(str(folder), f"results/reference/{name}")
        (folder / "table.md").write_text(table, encoding="utf-8")
        for lock in folder.rglob(".lock"):
            lock.unlink()
        shutil.rmtree(KEPT / name, ignore_errors=True)
        shutil.move(folder, KEPT / name)


def main() -> None:
    """Measure all kept runs, or those that are named."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", metavar="NAME")
    known = commands()
    for name in parser.parse_args().names or known:
        if name not in known:
            raise SystemExit(f"no kept run {name}: known: {', '.join(known)}")
        print(f"{name}: benchcli {known[name]}", flush=True)
        measure(name, known[name])


if __name__ == "__main__":
    main()
