"""Measure the overhead of the timing loop per call.  python benchmarks/overhead.py

It times an empty function with benchcli's loop, torch.utils.benchmark and timeit, alternately.
"""

import argparse
import timeit
from collections.abc import Callable
from statistics import median

from torch.utils.benchmark import Timer

from benchcli.backends.devices.base import DEVICES
from benchcli.noise.fitness import NOTHING, call_overhead_s

ROUNDS, CALLS = 21, 1000


def nothing() -> None:
    """Do nothing."""


def main() -> None:
    """Print nanoseconds per call, as medians over interleaved rounds."""
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    loop = DEVICES["cpu"].timer(nothing, NOTHING, 0)  # type: ignore[arg-type]  # it returns no tensor
    torch_timer = Timer("call()", globals={"call": nothing})
    plain = timeit.Timer("call()", globals={"call": nothing})
    timers: dict[str, Callable[[], float]] = {
        "benchcli, a sample of one call": lambda: loop(1).seconds,
        "benchcli, a call of many": call_overhead_s,
        "torch.utils.benchmark, one call": lambda: torch_timer.timeit(1).median,
        "torch.utils.benchmark, a call of many": lambda: torch_timer.timeit(CALLS).median,
        "timeit, a call of many": lambda: plain.timeit(CALLS) / CALLS,
    }
    seconds_by_timer: dict[str, list[float]] = {name: [] for name in timers}
    for _ in range(ROUNDS):
        for name, timer in timers.items():
            seconds_by_timer[name].append(timer())
    for name, seconds in seconds_by_timer.items():
        print(f"{name:<38} {median(seconds) * 1e9:7.0f} ns, {median(seconds) / 1e-3:.4%} of a call of 1 ms")


if __name__ == "__main__":
    main()
