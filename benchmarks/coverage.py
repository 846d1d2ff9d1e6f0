"""Measure the coverage of the intervals.  python benchmarks/coverage.py [--comparisons 200]

It compares equal networks with `benchcli selftest`, on the quiet machine and under a load of two
processes that work in bursts. It prints how many of the 95 % intervals contain 1.
"""

import argparse
import subprocess
import sys
import time

from load import bursts


def main() -> None:
    """Run the self-test on the quiet machine and under load."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", default="200")
    parser.add_argument("--budget", default="5s")
    parser.add_argument("--only", choices=["quiet", "loaded"])
    parser.add_argument("--runtime", default="eager")
    options = parser.parse_args()
    command = [sys.executable, "-m", "benchcli", "selftest", "--comparisons", options.comparisons]
    command += ["--runtime", options.runtime]
    for state in ("quiet", "loaded"):
        if options.only in {None, state}:
            start = time.monotonic()
            with bursts(state == "loaded"):
                text = subprocess.run(
                    [*command, "--budget", options.budget], check=True, capture_output=True, text=True
                )
            print(f"{state}, {time.monotonic() - start:.0f} s\n{text.stdout}", flush=True)


if __name__ == "__main__":
    main()
