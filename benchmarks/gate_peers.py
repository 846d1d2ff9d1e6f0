"""Judge the versions of gate.py with other tools.  python benchmarks/gate_peers.py [--runs 3]

It gives networks of the gate's benchmark to pytest-benchmark and pyperf: six equal ones, and three
each with 21 and 22 blocks instead of 20. Base is one run and head the next, as in a comparison of
two commits. The time is that of `benchcli check` for the same number of networks. The rules are
pytest-benchmark's (`--benchmark-compare-fail` with mean, median and min at 5 %), asv's
(Mann-Whitney or intervals, and a factor of 1.05 or its default 1.1) on pytest-benchmark's samples,
and `pyperf compare_to`. All run under benchcli's allocator settings, on one thread. Needs the extra
`peers`.
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

from benchcli.schema import Target
from benchcli.workers.variables import worker_environment

HERE = Path(__file__).parent
COUNTS = {0: 6, 5: 3, 10: 3}
SIDES = ("base", "head")
PROCESS_S = 2.0
"""Seconds of one pyperf process: importing torch, building the networks, and its values."""
ASV_FACTORS = (1.05, 1.1)


def run(side: str, *arguments: str) -> str:
    """Run another tool on one side's networks and return its output."""
    towers = f"{side}:{','.join(names(COUNTS))}"
    environment = {**worker_environment(Target()), "TOWERS": towers}
    command = [sys.executable, *arguments]
    return subprocess.run(command, check=False, stdout=subprocess.PIPE, text=True, cwd=HERE, env=environment).stdout


def pytest_benchmark(side: str, seconds: float, path: Path) -> dict[str, Any]:
    """Measure one side with pytest-benchmark; return each network's statistics and samples."""
    share = str(seconds / sum(COUNTS.values()))
    options = ["-q", "-p", "no:cacheprovider", "--benchmark-max-time", share, "--benchmark-json", str(path)]
    run(side, "-m", "pytest", "peer_pytest.py", "-c", "/dev/null", "--rootdir", str(HERE), *options)
    return {each["params"]["name"]: each["stats"] for each in json.loads(path.read_text())["benchmarks"]}


def slower_by_pytest(base: dict[str, Any], head: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Yield each rule of pytest-benchmark and asv with each network that it calls slower."""
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
    """Measure one side with pyperf; return the file of its results."""
    processes = max(1, round(seconds / sum(COUNTS.values()) / PROCESS_S) - 1)
    variables = ",".join([*worker_environment(Target()), "TOWERS"])
    options = ["-p", str(processes), "-n", "5", "-w", "1", "--min-time", "0.05", "--inherit-environ", variables]
    run(side, "peer_pyperf.py", "-q", "-o", str(path), *options)
    return path


def slower_by_pyperf(base: Path, head: Path) -> Iterator[tuple[str, str]]:
    """Yield the rule with each network that `pyperf compare_to` calls significantly slower."""
    command = [sys.executable, "-m", "pyperf", "compare_to", str(base), str(head)]
    comparison = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    for line in comparison.splitlines():
        if line.rstrip().endswith("slower"):
            yield "pyperf compare_to", line.partition(":")[0]


def main() -> None:
    """Measure base and head with each tool, quiet and loaded, and print each rule's rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=60.0)
    options = parser.parse_args()
    for state in ("quiet", "loaded"):
        slower: dict[str, Counter[int]] = {}
        spent: list[float] = []
        with tempfile.TemporaryDirectory() as place:
            for number in range(options.runs):
                start = time.monotonic()
                with bursts(state == "loaded"):
                    for rule, name in judged(options.seconds / 2, Path(place), number):
                        slower.setdefault(rule, Counter())[slowdown(name)] += 1
                spent.append(time.monotonic() - start)
        print(f"{state}, {options.runs} runs of each tool, {sum(spent) / len(spent) / 2:.0f} s a run and tool")
        for rule, counts in slower.items():
            rates = "; ".join(f"+{by} %: {counts[by]} of {count * options.runs}" for by, count in COUNTS.items())
            print(f"  {rule:<32} called slower {rates}", flush=True)


def judged(seconds: float, place: Path, number: int) -> Iterator[tuple[str, str]]:
    """Yield each rule with each network that it calls slower in one run.

    `seconds` is the time of each tool for each side.
    """
    stats = [pytest_benchmark(side, seconds, place / f"pytest-{side}-{number}.json") for side in SIDES]
    yield from slower_by_pytest(*stats)
    files = [pyperf(side, seconds, place / f"pyperf-{side}-{number}.json") for side in SIDES]
    yield from slower_by_pyperf(*files)


def slowdown(name: str) -> int:
    """Return the slowdown of a network in head, in per cent."""
    return int(name.split("-")[1]) if name.startswith("slower") else 0


if __name__ == "__main__":
    main()
