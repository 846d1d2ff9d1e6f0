"""How do other tools judge the same versions?  python benchmarks/gate_peers.py [--runs 3] [--seconds 60]

Gives pytest-benchmark and pyperf networks of the gate's benchmark, six equal ones and three each with 21 and 22 blocks
for 20: base in one run, head in the next, as one compares two commits, in as many seconds as `benchcli check` takes for
as many. Judged by pytest-benchmark's own check (`--benchmark-compare-fail` with mean, median and min at 5 %), by asv's
own rule (Mann-Whitney or intervals, and a factor of 1.05 or of its default 1.1) on pytest-benchmark's samples, and by
`pyperf compare_to`. Under benchcli's allocator settings, on one thread. Needs the extra `peers`.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from statistics import median
from typing import Any

from asv import _stats
from asv_runner.statistics import compute_stats
from gate import names
from load import bursts
from pytest_benchmark.utils import PercentageRegressionCheck

from benchcli.measure.environment import worker_environment
from benchcli.schema import Target

HERE = Path(__file__).parent
COUNTS = {0: 6, 5: 3, 10: 3}
SIDES = ("base", "head")
PROCESS_S = 2.0
"""What one pyperf process costs: importing torch, building the networks, and its values."""
ASV_FACTORS = (1.05, 1.1)


def run(side: str, *arguments: str) -> str:
    """Run a peer on one side's networks."""
    towers = f"{side}:{','.join(names(COUNTS))}"
    environment = {**worker_environment(Target()), "TOWERS": towers}
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, cwd=HERE, env=environment).stdout


def pytest_benchmark(side: str, seconds: float, path: Path) -> dict[str, Any]:
    """Return each network's statistics and samples."""
    share = str(seconds / sum(COUNTS.values()))
    options = ["-q", "-p", "no:cacheprovider", "--benchmark-max-time", share, "--benchmark-json", str(path)]
    run(side, "-m", "pytest", "peer_pytest.py", "-c", "/dev/null", "--rootdir", str(HERE), *options)
    return {each["params"]["name"]: each["stats"] for each in json.loads(path.read_text())["benchmarks"]}


def slower_by_pytest(base: dict[str, Any], head: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield the rule and the network where one is called slower: pytest-benchmark's rules, and asv's."""
    for name, stats in head.items():
        for field in ("mean", "median", "min"):
            if PercentageRegressionCheck(field, 5.0).fails(stats, base[name]):
                yield f"pytest-benchmark {field}:5%", name
        samples = [base[name]["data"], stats["data"]]
        summaries = [compute_stats(each, 1)[1] for each in samples]
        ratio = median(samples[1]) / median(samples[0])
        for factor in ASV_FACTORS:
            if ratio > factor and _stats.is_different(*samples, *summaries):
                yield f"asv's rule, factor {factor}", name


def pyperf(side: str, seconds: float, path: Path) -> Path:
    """Time one side; return the file."""
    processes = max(1, round(seconds / sum(COUNTS.values()) / PROCESS_S) - 1)
    variables = ",".join([*worker_environment(Target()), "TOWERS"])
    options = ["-p", str(processes), "-n", "5", "-w", "1", "--min-time", "0.05", "--inherit-environ", variables]
    run(side, "peer_pyperf.py", "-q", "-o", str(path), *options)
    return path


def slower_by_pyperf(base: Path, head: Path) -> Iterator[tuple[str, str]]:
    """Yield the networks that `pyperf compare_to` calls significantly slower."""
    command = [sys.executable, "-m", "pyperf", "compare_to", str(base), str(head)]
    out = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in out.splitlines():
        if line.rstrip().endswith("slower"):
            yield "pyperf compare_to", line.partition(":")[0]


def main() -> None:
    """Time base and head with each, in turn, quiet and loaded, and print how often each rule said slower."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    for state in ("quiet", "loaded"):
        said: dict[str, Counter[int]] = {}
        spent: list[float] = []
        with tempfile.TemporaryDirectory() as place:
            for number in range(options.runs):
                start = time.monotonic()
                with bursts(state == "loaded"):
                    for rule, name in judged(options.seconds / 2, Path(place), number):
                        said.setdefault(rule, Counter())[more(name)] += 1
                spent.append(time.monotonic() - start)
        print(f"{state}, {options.runs} runs of each tool, {sum(spent) / len(spent) / 2:.0f} s a run and tool")
        for rule, counts in said.items():
            rates = "; ".join(f"+{by} %: {counts[by]} of {count * options.runs}" for by, count in COUNTS.items())
            print(f"  {rule:<32} called slower {rates}", flush=True)


def judged(seconds: float, place: Path, number: int) -> Iterator[tuple[str, str]]:
    """Yield what every rule calls slower in one run; each side has half of the time."""
    stats = [pytest_benchmark(side, seconds, place / f"pytest-{side}-{number}.json") for side in SIDES]
    yield from slower_by_pytest(*stats)
    files = [pyperf(side, seconds, place / f"pyperf-{side}-{number}.json") for side in SIDES]
    yield from slower_by_pyperf(*files)


def more(name: str) -> int:
    """Return by how much a network is slower in head."""
    return int(name.split("-")[1]) if name.startswith("slower") else 0


if __name__ == "__main__":
    main()
