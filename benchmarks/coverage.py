"""How often do the intervals hold the truth?  python benchmarks/coverage.py [--comparisons 200] [--only quiet]

Compares equal networks with `benchcli selftest`, on the machine as it is and under a load of two processes that work in
bursts, and prints how many of the 95 % intervals hold 1.
"""

import argparse
import subprocess
import sys
import time

from load import bursts


def main() -> None:
    """Run the self-test quiet and loaded."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", default="200")
    parser.add_argument("--budget", default="5s")
    parser.add_argument("--only", choices=["quiet", "loaded"])
    options = parser.parse_args()
    command = [sys.executable, "-m", "benchcli", "selftest", "--comparisons", options.comparisons]
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
