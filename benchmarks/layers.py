"""Compare the times of layers with the whole call, and with torch's profiler.

    python benchmarks/layers.py [NETWORK ...] [--launches 6]

For each network (all that ship, by default): the sum of all layers over a call in which nothing is
timed, and the share that lies in no module, medians over launches. For six of them, the rank
correlation of the 20 largest layers with `torch.profiler` in one process.
"""

import argparse
import os
import tempfile
from collections import defaultdict
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from statistics import median
from typing import Any

import pandas
import torch
from torch.profiler import ProfilerActivity, profile, record_function

import benchcli
from benchcli.analysis.layer_rows import accounted
from benchcli.backends.devices.base import DEVICES
from benchcli.cost.calls import CallStack, ModuleCall, module_calls
from benchcli.cost.inputs import Inputs
from benchcli.sampling.bench import Bench
from benchcli.sampling.layer_times import own_seconds, stamped
from benchcli.workloads.networks.base import NETWORKS

PROFILED = ("shufflenet-v2-1x", "shufflenet-v1-1x-g3", "mobilenet-v1-1.0", "mobilenet-v2-1.0", "resnet-50", "alexnet")
LARGEST = 20
ROUNDS, CALLS = 11, 5
"""Rounds of calls by each tool, in turns, and the calls of a round, before which one does not count."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="*", metavar="NETWORK")
    parser.add_argument("--launches", type=int, default=6)
    given = parser.parse_args()
    names = given.networks or [network.name for network in NETWORKS]
    sums = [whole(name, given.launches) for name in names]
    print(
        f"{len(sums)} networks: sum of layers {min(s for s, _ in sums):.1%} to {max(s for s, _ in sums):.1%} of a call"
    )
    print(f"in no module at most {max(own for _, own in sums):.1%}")
    torch.set_num_threads(1)
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")
    for name in [name for name in PROFILED if name in names]:
        print(f"{name:<24} rank correlation with the profiler {correlation(name):.3f}")


def whole(name: str, launches: int) -> tuple[float, float]:
    """Return the sum of a network's layers and its own share, relative to an untimed call."""
    with tempfile.TemporaryDirectory() as place:
        run = benchcli.network(name, layers=True, launches=1, output=Path(place) / "run")
    traced = run.details.layers[:launches]
    own = next((row.share for row in run.layers if not row.path), 0.0)
    print(f"{name:<24} {accounted(traced):>8.1%} {own:>8.1%}", flush=True)
    return accounted(traced), own


def correlation(name: str) -> float:
    """Return Spearman's rank correlation of the largest layers' own seconds by both tools."""
    network = NETWORKS[name]
    module, inputs = network.build().eval(), Inputs((torch.randn(1, 3, network.size, network.size),))
    bench = Bench(inputs.bound_to(module), lambda _calls: None, network=module, inputs=inputs)  # type: ignore[arg-type,return-value]
    stamps = DEVICES["cpu"].stamps(0)
    ours, theirs = [], []
    with torch.inference_mode():
        for _ in range(3):
            bench.call()
        for _ in range(ROUNDS):
            ours += [own_seconds(marks, stamps.seconds) for marks, _ in stamped(module, bench.call, stamps, CALLS)]
            theirs += profiled(module, bench.call)
    mine = {path: median(each[path] for each in ours) for path in ours[0]}
    others = {path: median(each.get(path, 0.0) for each in theirs) for path in mine}
    largest = sorted(mine, key=lambda path: -mine[path])[:LARGEST]
    ranks = (pandas.Series([seconds[path] for path in largest]).rank() for seconds in (mine, others))
    return float(next(ranks).corr(next(ranks)))


def profiled(module: torch.nn.Module, call: Callable[[], Any]) -> list[Mapping[str, float]]:
    """Return the seconds of each module without those of the modules in it, of each profiled call."""
    with profile(activities=[ProfilerActivity.CPU]) as profiler, scopes(module):
        for _ in range(CALLS + 1):
            with record_function("call"):
                call()
    calls = [event for event in profiler.events() or () if event.name == "call"]
    return [own_of(each) for each in calls[1:]]


def own_of(root: Any) -> Mapping[str, float]:
    """Return the seconds of each module below an event, without those of the modules in it."""
    own: dict[str, float] = defaultdict(float)
    running: list[tuple[Any, str | None]] = [(child, None) for child in root.cpu_children]
    while running:
        event, caller = running.pop()
        path = event.name.removeprefix("layer:") if event.name.startswith("layer:") else None
        if path is not None:
            own[path] += event.cpu_time_total / 1e6
        if path is not None and caller is not None:
            own[caller] -= event.cpu_time_total / 1e6
        running += [(child, caller if path is None else path) for child in event.cpu_children]
    return own


def scopes(network: torch.nn.Module) -> AbstractContextManager[None]:
    """Let the profiler see each module's call as a scope of its name."""
    stack = CallStack(network)

    def around(original: ModuleCall) -> ModuleCall:
        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            scope = stack.enter(module)
            try:
                with record_function(f"layer:{scope.path if scope else '?'}"):
                    return original(module, *args, **kwargs)
            finally:
                stack.leave()

        return call

    return module_calls(around)


if __name__ == "__main__":
    main()
