"""Time the networks with pyperf and its options.  python benchmarks/peer_pyperf.py -o out.json"""

import pyperf
from networks import calls

if __name__ == "__main__":
    runner = pyperf.Runner()
    for name, call in calls().items():
        runner.bench_func(name, call)
