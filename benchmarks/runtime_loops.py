"""Compare the times that benchcli takes in a runtime with a loop in the runtime's own API, in one process.

Both take turns: a sample of benchcli's timer, and one of a loop as its makers would write it, with
memory that is bound once. The networks are those of `--networks`; the extra `runtimes` is needed, and for
`--runtimes executorch` the one of that name.

    python benchmarks/runtime_loops.py --rounds 60
"""

import argparse
import math
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import torch

from benchcli.backends.devices.base import DEVICES
from benchcli.backends.flat_call import FlatCall
from benchcli.backends.runtimes.base import Place, runtime_named
from benchcli.cost.inputs import Inputs
from benchcli.schema import Costs
from benchcli.workloads.networks.base import NETWORKS

NETWORKS_OF_FIVE = "shufflenet-v2-0.5x,shufflenet-v1-0.5x-g3,mobilenet-v2-0.6,xception-0.5x,resnet-50"
Loop = Callable[[int], None]


def onnxruntime_loop(artifact: Path, given: tuple[torch.Tensor, ...]) -> Loop:
    """Run a session with bound memory."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(artifact / "model.onnx"), options, providers=["CPUExecutionProvider"])
    binding = session.io_binding()
    values = [onnxruntime.OrtValue.ortvalue_from_numpy(each.numpy()) for each in given]
    for each, value in zip(session.get_inputs(), values, strict=True):
        binding.bind_ortvalue_input(each.name, value)
    for each in session.get_outputs():
        binding.bind_output(each.name)

    def loop(calls: int) -> None:
        for _ in range(calls):
            session.run_with_iobinding(binding)

    return loop


def openvino_loop(artifact: Path, given: tuple[torch.Tensor, ...]) -> Loop:
    """Run an inference request on tensors that are set once."""
    import openvino

    settings = {"INFERENCE_NUM_THREADS": 1, "INFERENCE_PRECISION_HINT": "f32", "PERFORMANCE_HINT": "LATENCY"}
    request = openvino.Core().compile_model(str(artifact / "model.xml"), "CPU", settings).create_infer_request()
    for number, tensor in enumerate(given):
        request.set_input_tensor(number, openvino.Tensor(tensor.numpy().copy()))

    def loop(calls: int) -> None:
        for _ in range(calls):
            request.infer()

    return loop


def ncnn_loop(artifact: Path, given: tuple[torch.Tensor, ...]) -> Loop:
    """Run extractors with the pools of memory that ncnn's own benchmark gives them."""
    import ncnn

    from benchcli.backends.runtimes.ncnn import GRAPH, WEIGHTS

    net, image = ncnn.Net(), ncnn.Mat(given[0][0].numpy()).clone()
    net.opt.num_threads = 1
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    POOLS.append((ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator()))  # they must outlive the network
    net.opt.blob_allocator, net.opt.workspace_allocator = POOLS[-1]
    net.load_param(str(artifact / GRAPH))
    net.load_model(str(artifact / WEIGHTS))

    def loop(calls: int) -> None:
        for _ in range(calls):
            extractor = net.create_extractor()
            extractor.input("in0", image)
            extractor.extract("out0")

    return loop


def compile_loop(artifact: Path, given: tuple[torch.Tensor, ...]) -> Loop:
    """Run a package as torch loads it."""
    from torch._inductor import aoti_load_package

    run = aoti_load_package(str(artifact / "model.pt2"))

    def loop(calls: int) -> None:
        for _ in range(calls):
            run(*given)

    return loop


def executorch_loop(artifact: Path, given: tuple[torch.Tensor, ...]) -> Loop:
    """Execute a program's method; the pool of threads is that of the process, which the first program has set."""
    from executorch.runtime import Runtime

    from benchcli.backends.runtimes.executorch import PROGRAM

    program = Runtime.get().load_program(artifact / PROGRAM)
    method = program.load_method("forward")
    assert method

    def loop(calls: int, _kept: object = program) -> None:
        for _ in range(calls):
            method.execute(given)

    return loop


POOLS: list[tuple[object, object]] = []
LOOPS: dict[str, Callable[[Path, tuple[torch.Tensor, ...]], Loop]] = {
    "onnxruntime": onnxruntime_loop,
    "openvino": openvino_loop,
    "compile": compile_loop,
    "ncnn": ncnn_loop,
    "executorch": executorch_loop,
}


def ratio(name: str, runtime: str, rounds: int, folder: Path) -> float:
    """Return benchcli's time of a network over that of the loop: the median over the rounds."""
    variant = NETWORKS[name].variant(None)
    torch.manual_seed(0)
    network: Any = NETWORKS[name].build().eval().requires_grad_(False)
    inputs, place = Inputs((torch.randn(1, *variant.shape),)), Place(DEVICES["cpu"])
    with torch.no_grad():
        runtime_named(runtime).export(network, inputs, place, folder / "artifact")
    with torch.inference_mode():
        call = runtime_named(runtime).prepare(network, inputs, place, folder / "artifact")
        timer = place.device.timer(call, Costs.uncounted(""), 0)
        loop = LOOPS[runtime](folder / "artifact", FlatCall(network, inputs).given)
        calls = max(1, round(0.02 / max(1e-6, timer(3).seconds / 3)))
        logs = [_log_ratio(timer, loop, calls, number % 2 == 0) for number in range(rounds)]
    return math.exp(median(logs))


def _log_ratio(timer: Callable[[int], Any], loop: Loop, calls: int, timer_first: bool) -> float:
    def own() -> float:
        timer(1)
        return float(timer(calls).seconds)

    def other() -> float:
        loop(1)
        start_s = time.perf_counter()
        loop(calls)
        return time.perf_counter() - start_s

    first = own() if timer_first else other()
    second = other() if timer_first else own()
    return math.log(first / second) if timer_first else math.log(second / first)


def main() -> None:
    """Print the ratio of each network in each runtime."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", default=NETWORKS_OF_FIVE)
    parser.add_argument("--runtimes", default=",".join(each for each in LOOPS if each != "executorch"))
    parser.add_argument("--rounds", type=int, default=60)
    given = parser.parse_args()
    torch.set_num_threads(1)
    for runtime in given.runtimes.split(","):
        for name in given.networks.split(","):
            with tempfile.TemporaryDirectory() as folder:
                print(f"{runtime:<12} {name:<24} {ratio(name, runtime, given.rounds, Path(folder)):.3f}", flush=True)


if __name__ == "__main__":
    main()
