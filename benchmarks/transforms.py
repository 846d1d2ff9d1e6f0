"""Compare what transforms win with what the same changes win when they are written by hand, in one process.

Four loops take turns: the network as it is in benchcli's eager runtime, a plain loop of it, the
transformed network in benchcli's runtime, and a plain loop of a network that torch's own tools
changed: torch.fx's `fuse`, `inplace=True` on every activation, `torch.jit.optimize_for_inference` of
a frozen trace. The networks have activations in place; for `inplace` they begin without. Both speeds
are medians over the rounds of the time of the unchanged network over that of the changed one in the
same round.

    python benchmarks/transforms.py --rounds 60
"""

import argparse
import copy
import math
import time
import warnings
from collections.abc import Callable
from statistics import median

import torch
from torch import nn
from torch.fx.experimental.optimization import fuse

from benchcli.backends.devices.base import DEVICES
from benchcli.backends.runtimes.base import Place, runtime_named
from benchcli.cost.inputs import Inputs, tensors
from benchcli.schema import Costs
from benchcli.workloads.networks.base import NETWORKS

THREE = "mobilenet-v1-1.0,mobilenet-v2-1.0,shufflenet-v2-1x"
SAMPLE_S = 0.03
Loop = Callable[[int], float]
"""Calls a network so many times, and returns the seconds of a call."""


def in_place(network: nn.Module, value: bool) -> nn.Module:
    """Return a copy with all activations in place, or with none."""
    network = copy.deepcopy(network)
    for each in network.modules():
        if isinstance(each, nn.ReLU | nn.ReLU6):
            each.inplace = value
    return network


def frozen(network: nn.Module, image: torch.Tensor) -> nn.Module:
    """Return what freezing a trace makes of a network."""
    traced = torch.jit.trace(network, image)  # type: ignore[no-untyped-call]
    made: nn.Module = torch.jit.optimize_for_inference(torch.jit.freeze(traced))
    return made


BY_HAND: dict[str, Callable[[nn.Module, torch.Tensor], nn.Module]] = {
    "fold": lambda network, _image: fuse(network),
    "inplace": lambda network, _image: in_place(network, value=True),
    "frozen": frozen,
}


def built(name: str) -> nn.Module:
    """Return a network with the weights of one seed."""
    torch.manual_seed(0)
    network: nn.Module = NETWORKS[name].build()
    return network.eval().requires_grad_(False)


def plain_loop(network: nn.Module, image: torch.Tensor) -> Loop:
    """Return a loop as anybody would write it."""

    def loop(calls: int) -> float:
        network(image)
        start_s = time.perf_counter()
        for _ in range(calls):
            network(image)
        return (time.perf_counter() - start_s) / calls

    return loop


def own_loop(runtime: str, network: nn.Module, image: torch.Tensor) -> Loop:
    """Return a loop of benchcli's timer in one of its runtimes."""
    found, place = runtime_named(runtime), Place(DEVICES["cpu"])
    call = found.prepare(*found.transformed(network, Inputs((image,))), place, None)
    timer = place.device.timer(call, Costs.uncounted(""), 0)

    def loop(calls: int) -> float:
        timer(1)
        return timer(calls).seconds / calls

    return loop


def compared(name: str, transform: str, rounds: int) -> tuple[float, float, float]:
    """Return the speed of the transform, that of the change by hand, and the relative difference of its output."""
    network, image = built(name), torch.randn(1, 3, 224, 224)
    if transform == "inplace":
        network = in_place(network, value=False)
    with torch.inference_mode(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        runtime = runtime_named(f"eager:{transform}")
        changed, inputs = runtime.transformed(network, Inputs((image,)))
        error = difference(tensors(inputs.bound_to(changed)())[0], network(image))
        loops = (
            own_loop("eager", network, image),
            own_loop(runtime.full_name, network, image),
            plain_loop(network, image),
            plain_loop(BY_HAND[transform](network, image), image),
        )
        calls = max(1, round(SAMPLE_S / loops[0](3)))
        for loop in loops:
            loop(calls)  # TorchScript compiles in its first calls
        seconds = [in_turn(loops, calls, number) for number in range(rounds)]
    own = median(math.log(before / after) for before, after, _, _ in seconds)
    by_hand = median(math.log(before / after) for _, _, before, after in seconds)
    return math.exp(own), math.exp(by_hand), error


def in_turn(loops: tuple[Loop, ...], calls: int, number: int) -> list[float]:
    """Return the seconds of one sample of each loop, in an order that rotates with the round."""
    seconds = [0.0] * len(loops)
    for step in range(len(loops)):
        place = (step + number) % len(loops)
        seconds[place] = loops[place](calls)
    return seconds


def difference(output: torch.Tensor, expected: torch.Tensor) -> float:
    """Return the relative difference of an output."""
    return float(torch.linalg.vector_norm(output - expected) / torch.linalg.vector_norm(expected))


def main() -> None:
    """Print the speeds of each network with each transform."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default=THREE)
    parser.add_argument("--transforms", default=",".join(BY_HAND))
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    print(f"{'network':<20} {'transform':<10} {'speed':>8} {'by hand':>8} {'output differs by':>18}")
    for name in given.networks.split(","):
        for transform in given.transforms.split(","):
            own, by_hand, error = compared(name, transform, given.rounds)
            print(f"{name:<20} {transform:<10} {own:>8.3f} {by_hand:>8.3f} {error:>18.1e}", flush=True)


if __name__ == "__main__":
    main()
