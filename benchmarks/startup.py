"""Compare the time of `benchcli --help` with that of importing click.  python benchmarks/startup.py

The two commands run alternately, so that the state of the machine affects both alike.
"""

import argparse
import subprocess
import sys
import time
from statistics import median

RUNS = 21


def seconds(*arguments: str) -> float:
    """Return the wall time of one Python process."""
    start = time.perf_counter()
    subprocess.run([sys.executable, *arguments], check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - start


def main() -> None:
    """Time both commands alternately and print the medians and the median ratio."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    pairs = [(seconds("-m", "benchcli", "--help"), seconds("-c", "import click")) for _ in range(RUNS)]
    print(f"benchcli --help          {median(ours for ours, _ in pairs) * 1e3:.0f} ms")
    print(f"python -c 'import click' {median(click for _, click in pairs) * 1e3:.0f} ms")
    print(f"ratio, pair by pair      {median(ours / click for ours, click in pairs):.2f}")


if __name__ == "__main__":
    main()
