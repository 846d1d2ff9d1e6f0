"""Time the networks with torch.utils.benchmark and print the medians as JSON.

python benchmarks/peer_torch.py SECONDS
"""

import argparse
import json

from networks import calls
from torch.utils.benchmark import Timer


def main() -> None:
    """Time each network for an equal share of the seconds."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("seconds", type=float)
    budget_s = parser.parse_args().seconds
    networks = calls()
    share = budget_s / len(networks)
    timers = {name: Timer("call()", globals={"call": call}) for name, call in networks.items()}
    medians = {
        name: timer.adaptive_autorange(min_run_time=share, max_run_time=1.1 * share).median
        for name, timer in timers.items()
    }
    print(json.dumps(medians))


if __name__ == "__main__":
    main()
