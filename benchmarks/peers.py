"""Compare the accuracy of benchmark tools.  python benchmarks/peers.py [--runs 3] [--seconds 20]

It gives benchcli, torch.utils.benchmark, pyperf and pytest-benchmark the same networks
(networks.py) and the same time, alternately, on the quiet machine and under a load of two processes
that work in bursts. All run on one thread. Unless --allocator system is given, all run under the
allocator of benchcli's workers, which favours the other tools. The reference values come from two
runs of 60 launches on the quiet machine, one before and one after. Needs the extra `peers`.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import mean, median

import pandas
from load import bursts
from networks import family

from benchcli.schema import Target
from benchcli.workers.variables import worker_environment

HERE = Path(__file__).parent
REFERENCE_LAUNCHES = "60"
PROCESS_S = 2.0
"""Seconds of one pyperf process: importing torch, building the networks, and its values."""
Speeds = dict[str, float]


def benchcli(seconds: float, folder: Path, allocator: str, *stopping: str) -> Speeds:
    """Measure with benchcli and return the relative speeds.

    The options in `stopping` replace a budget of `seconds`, from which one second is reserved.
    """
    options = stopping or ("--budget", f"{seconds - 1}s", "--precision", "0.05%")
    command = [sys.executable, "-m", "benchcli", "guideline", "g2", "--allocator", allocator]
    subprocess.run([*command, "--output", str(folder), *options], check=True, stdout=subprocess.DEVNULL)
    rows = pandas.read_csv(folder / "measurements.csv")
    return dict(zip(rows["variant"], rows["relative_speed"], strict=True))


def torch_benchmark(seconds: float, _folder: Path, allocator: str) -> Speeds:
    """Measure with torch.utils.benchmark's adaptive_autorange; importing torch is not counted."""
    return relative(json.loads(peer(allocator, str(HERE / "peer_torch.py"), str(seconds))))


def pyperf(seconds: float, folder: Path, allocator: str) -> Speeds:
    """Measure with pyperf, with as many processes as the time allows.

    One process per network is left for pyperf's calibration.
    """
    processes = max(1, round(seconds / len(family().variants) / PROCESS_S) - 1)
    path = folder.with_suffix(".json")
    # pyperf passes on only the environment variables that --inherit-environ names.
    names = ",".join(worker_environment(Target(allocator=allocator)))
    options = ["-p", str(processes), "-n", "5", "-w", "1", "--min-time", "0.05", "--inherit-environ", names]
    peer(allocator, str(HERE / "peer_pyperf.py"), "-q", "-o", str(path), *options)
    import pyperf as library

    suite = library.BenchmarkSuite.load(str(path))
    return relative({each.get_name(): each.mean() for each in suite.get_benchmarks()})


def pytest_benchmark(seconds: float, folder: Path, allocator: str) -> Speeds:
    """Measure with pytest-benchmark and take its medians."""
    path = folder.with_suffix(".json")
    share = seconds / len(family().variants)
    options = ["-q", "-p", "no:cacheprovider", "--benchmark-max-time", str(share), "--benchmark-json", str(path)]
    peer(allocator, "-m", "pytest", str(HERE / "peer_pytest.py"), "-c", "/dev/null", "--rootdir", str(HERE), *options)
    results = json.loads(path.read_text())["benchmarks"]
    return relative({each["params"]["name"]: each["stats"]["median"] for each in results})


def peer(allocator: str, *arguments: str) -> str:
    """Run another tool in the environment of benchcli's workers and return its output."""
    environment = worker_environment(Target(allocator=allocator))
    command = [sys.executable, *arguments]
    completed = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, cwd=HERE, env=environment)
    return completed.stdout


def relative(seconds: Speeds) -> Speeds:
    """Return each network's speed relative to the baseline's."""
    baseline = seconds[family().baseline]
    return {name: baseline / each for name, each in seconds.items()}


TOOLS: dict[str, Callable[[float, Path, str], Speeds]] = {
    "benchcli": benchcli,
    "torch adaptive_autorange": torch_benchmark,
    "pyperf": pyperf,
    "pytest-benchmark": pytest_benchmark,
}


def main() -> None:
    """Measure the reference values and every tool, quiet and loaded, and print the errors."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--allocator", default="steady")
    options = parser.parse_args()
    spent: dict[tuple[str, str], list[float]] = {}
    measured: list[tuple[tuple[str, str], Speeds]] = []
    with tempfile.TemporaryDirectory() as place:
        references = [benchcli(0, Path(place) / "before", options.allocator, "--launches", REFERENCE_LAUNCHES)]
        for state in ("quiet", "loaded"):
            for number in range(options.runs):
                for name, tool in TOOLS.items():
                    start = time.monotonic()
                    with bursts(state == "loaded"):
                        speeds = tool(options.seconds, Path(place) / f"{state}-{number}-{name}", options.allocator)
                    spent.setdefault((state, name), []).append(time.monotonic() - start)
                    measured.append(((state, name), speeds))
        references.append(benchcli(0, Path(place) / "after", options.allocator, "--launches", REFERENCE_LAUNCHES))
    print_errors(references, measured, spent)


def print_errors(
    references: list[Speeds], measured: list[tuple[tuple[str, str], Speeds]], spent: dict[tuple[str, str], list[float]]
) -> None:
    """Print the errors of each tool relative to the geometric mean of the two reference runs."""
    before, after = references
    truth = {name: math.sqrt(before[name] * after[name]) for name in before if name != family().baseline}
    print("reference, before and after:", {each: (round(before[each], 4), round(after[each], 4)) for each in truth})
    print(f"{'':<34}{'median error':>14}{'mean error':>12}{'largest':>9}{'seconds':>9}")
    for key, seconds in spent.items():
        errors = [abs(math.log(speeds[each] / truth[each])) for k, speeds in measured if k == key for each in truth]
        figures = f"{median(errors):>14.2%}{mean(errors):>12.2%}{max(errors):>9.2%}{mean(seconds):>9.1f}"
        print(f"{key[0]:<8}{key[1]:<26}{figures}")


if __name__ == "__main__":
    main()
