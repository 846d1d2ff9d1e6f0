"""Print how much of the package the tests reach, and where they reach least; end with 1 below the floor."""

import json
import sys
from pathlib import Path

FLOOR = 93.0
"""In percent of the lines: two points below what was reached when this line was written."""
LEAST = 10


def main(path: str) -> int:
    """Read what slipcover has written, print it, and return the exit code."""
    found = json.loads(Path(path).read_text(encoding="utf-8"))
    missing = {name: each["summary"]["missing_lines"] for name, each in found["files"].items()}
    for name in sorted(missing, key=lambda name: -missing[name])[:LEAST]:
        print(f"{missing[name]:5} lines of {name} are not reached")
    reached = found["summary"]["percent_covered"]
    print(f"{reached:.1f} % of the lines are reached; at least {FLOOR:.1f} % should be")
    return int(reached < FLOOR)


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
