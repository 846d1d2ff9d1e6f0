"""NVIDIA GPUs through CUDA, and AMD GPUs through torch's ROCm build, which uses the same name."""

import inspect
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices import nvml
from benchcli.backends.devices.base import DEVICES, Facts, Health, Tracer
from benchcli.backends.devices.events import EventDevice
from benchcli.schema import Costs

if TYPE_CHECKING:
    import torch

WARM_UP_CALLS = 3
"""Calls before a capture.

In them cuDNN selects its algorithms and libraries allocate workspaces; a graph may contain neither.
"""


@dataclass(frozen=True)
class Replay:
    """A captured call. A graph replays on the addresses that it was captured with, and keeps none alive."""

    graph: Any
    output: "torch.Tensor"
    captured: Callable[[], "torch.Tensor"]
    """The call that was captured: it keeps the network, its weights and its input in memory."""

    def __call__(self) -> "torch.Tensor":
        """Replay the kernels, which write `output`."""
        self.graph.replay()
        return self.output


class Cuda(EventDevice):
    """A CUDA device. TF32 is off. cuDNN selects its algorithms by benchmarking, as in the paper."""

    name = "cuda"
    title = "CUDA GPU"
    graphs = True

    def facts(self, index: int) -> Facts:
        """Return the card, its size, and the libraries and settings that determine its kernels."""
        import torch

        card = torch.cuda.get_device_properties(index)
        return {
            "card": card.name,
            "capability": f"{card.major}.{card.minor}",
            "processors": card.multi_processor_count,
            "memory_bytes": card.total_memory,
            "cuda": torch.version.cuda,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "tf32": torch.backends.cudnn.allow_tf32,
            "driver": nvml.driver(),
            "nvidia_tf32_override": os.environ.get("NVIDIA_TF32_OVERRIDE"),
        }

    def cache_bytes(self, index: int) -> int:
        """Return the size of the card's L2 cache."""
        import torch

        return int(torch.cuda.get_device_properties(index).L2_cache_size) or super().cache_bytes(index)

    def capture(self, call: Callable[[], "torch.Tensor"], index: int) -> Callable[[], "torch.Tensor"]:
        """Return a callable that replays a CUDA graph of the call with one launch."""
        import torch

        stream = torch.cuda.Stream(index)  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream(index))
        with torch.cuda.stream(stream):
            for _ in range(WARM_UP_CALLS):
                call()
        torch.cuda.current_stream(index).wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, **_liveness(torch.cuda.graph)):
            output = call()
        return Replay(graph, output, call)

    def tracer(self, call: Callable[[], "torch.Tensor"], costs: Costs, index: int) -> Tracer:  # noqa: ARG002
        """Return a tracer that reads the kernel times of each operator from torch's profiler."""
        from benchcli.backends.devices.gpu_profiler import tracer

        return tracer(call, lambda: self.synchronize(index))

    def peak_bytes(self, call: Callable[[], object], index: int) -> int | None:
        """Return the most bytes that torch's caching allocator gave out during the call, weights included."""
        import torch

        torch.cuda.reset_peak_memory_stats(index)
        call()
        self.synchronize(index)
        return int(torch.cuda.max_memory_allocated(index))

    def health(self, index: int) -> Health | None:
        """Return the card's clock and throttle reasons from NVML, or None without NVML."""
        import torch

        return nvml.health(str(torch.cuda.get_device_properties(index).uuid))

    def configure(self, threads: int, index: int) -> None:
        """Switch TF32 off, and cuDNN's search for the fastest algorithm on."""
        import torch

        super().configure(threads, index)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


def _liveness(capture: Callable[..., object]) -> dict[str, Any]:
    """Return the argument that makes torch check that what a graph reads is alive; older ones lack it."""
    name = "check_input_liveness"
    return {name: True} if name in inspect.signature(capture).parameters else {}


DEVICES.add(Cuda())
