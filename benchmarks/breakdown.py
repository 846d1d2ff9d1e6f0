"""Compare benchcli's breakdown with that of torch's profiler, interleaved in one process.

    python benchmarks/breakdown.py [NETWORK ...]

The shares are fractions of the time in operators. `whole` is the time in operators divided by the
time of untraced calls, which are interleaved with the others. `cost` is the time that tracing adds
to a call. The profiler does not report reorders inside convolutions.
"""

import argparse
import os
import time
from collections.abc import Callable, Mapping
from functools import partial
from statistics import median

import torch
from torch.profiler import ProfilerActivity, profile

from benchcli.backends.devices.cpu_profiler import tracer
from benchcli.backends.devices.gpu_profiler import category_of
from benchcli.schema import CATEGORIES, Category
from benchcli.workloads.networks.base import NETWORKS

DEFAULT = ("shufflenet-v2-1x", "shufflenet-v1-1x-g3", "mobilenet-v2-1.0", "resnet-50")
ROUNDS = 15


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", default=DEFAULT, metavar="NETWORK")
    wanted = parser.parse_args().networks
    torch.set_num_threads(1)
    silence()
    print(f"{'network':<24}{'by':<10}" + "".join(f"{name:>13}" for name in CATEGORIES) + f"{'whole':>8}{'cost':>9}")
    for name in wanted:
        network = NETWORKS[name]
        module = network.build().eval()
        inputs = torch.randn(1, 3, network.size, network.size)
        with torch.inference_mode():
            compare(name, partial(module, inputs))


def silence() -> None:
    """Suppress the log lines of the profiler, which C++ code writes into the table."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")


def compare(name: str, call: Callable[[], torch.Tensor]) -> None:
    for _ in range(3):
        call()
    traced = tracer(call)
    plain: list[float] = []
    breakdowns: dict[str, list[tuple[float, Mapping[Category, float]]]] = {"benchcli": [], "profiler": []}
    for _ in range(ROUNDS):
        call()
        plain.append(timed(call))
        trace = traced()
        breakdowns["benchcli"].append((trace.traced_s, dict(trace.parts)))
        breakdowns["profiler"].append(profiled(call))
    for tool, rounds in breakdowns.items():
        parts = {each: median(parts[each] for _, parts in rounds) for each in CATEGORIES}
        whole, call_s = sum(parts.values()), median(plain)
        cells = "".join(f"{parts[each] / whole:>12.1%} " for each in CATEGORIES)
        print(f"{name:<24}{tool:<10}{cells}{whole / call_s:>7.2f}{median(s for s, _ in rounds) / call_s - 1:>+9.1%}")


def timed(call: Callable[[], torch.Tensor]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def profiled(call: Callable[[], torch.Tensor]) -> tuple[float, Mapping[Category, float]]:
    """Return the seconds of a profiled call, and those of its outermost operators by category."""
    with profile(activities=[ProfilerActivity.CPU], record_shapes=True) as profiler:
        seconds = timed(call)
    parts = dict.fromkeys(CATEGORIES, 0.0)
    for event in profiler.events() or ():
        if event.cpu_parent is None and event.name.startswith("aten::"):
            parts[category_of(event)] += event.cpu_time_total / 1e6
    return seconds, parts


if __name__ == "__main__":
    main()
