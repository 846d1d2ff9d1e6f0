"""NVIDIA GPUs through CUDA, and AMD GPUs through torch's ROCm build, which uses the same name."""

import inspect
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices import nvml
from benchcli.backends.devices.base import DEVICES, PEAK_FLOAT32, Facts, Health, RanKernel, Readings, Tracer
from benchcli.backends.devices.events import EventDevice
from benchcli.schema import Costs

if TYPE_CHECKING:
    import torch

WARM_UP_CALLS = 3
"""Calls before a capture.

In them cuDNN selects its algorithms and libraries allocate workspaces; a graph may contain neither.
"""


LANES = {5: 128, 6: 128, 7: 64, 8: 128, 9: 128, 10: 128, 11: 128, 12: 128}
"""Float32 multiply-adds per clock and processor, by the major number of the capability."""
LANES_OF_DATA_CENTRES = {(6, 0): 64, (8, 0): 64}
"""The capabilities that have fewer than their major number (CUDA's programming guide, table of throughputs)."""
DRIVERS = ("/dev/nvidiactl", "/proc/driver/nvidia", "/dev/nvhost-gpu", "/dev/nvgpu", "/dev/kfd", "/dev/dxg")
"""What the drivers of cards make on Linux: NVIDIA's, that of its Jetson boards, AMD's, and Windows' for its guests."""
HINTS = {
    "busy or unavailable": "another process has it for itself (nvidia-smi -q -d COMPUTE): end that process",
    "no kernel image": "this build of torch has no kernels for its capability: install another build",
    "out of memory": "other processes hold its memory: end those that nvidia-smi lists",
    "too old": "update the driver, or install a torch for an older CUDA",
}
"""The way out of what torch says of a card that it sees and cannot use."""


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
    chooses_kernels = True

    def is_seen(self) -> bool | None:
        """Return whether the system has a driver of NVIDIA's or AMD's cards; None where it does not show that."""
        return any(Path(each).exists() for each in DRIVERS) if sys.platform == "linux" else None

    def missing(self, index: int) -> str | None:
        """Return why the card cannot be used, or would not be timed; None if neither holds."""
        if os.environ.get("CUDA_LAUNCH_BLOCKING", "0") not in {"", "0"}:
            return "CUDA_LAUNCH_BLOCKING makes the host wait for each kernel, so that the host is timed: unset it"
        return super().missing(index) or self._unusable(index)

    def hint_of_hidden(self) -> str:
        """Return the variable that hides cards, if it is set."""
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        return "" if visible is None else f"; CUDA_VISIBLE_DEVICES is {visible!r}"

    def why_unseen(self) -> str | None:
        """Return why torch sees no card, with the way out; None if it does not say."""
        import torch

        if torch.version.cuda is None and torch.version.hip is None:
            return "it is built without CUDA: install a build for the card"
        visible = os.environ.get("CUDA_VISIBLE_DEVICES")
        if visible is not None:
            return f"CUDA_VISIBLE_DEVICES is {visible!r}: unset it, or give a number or UUID that nvidia-smi -L lists"
        return _error_of(torch.cuda.init)

    def _unusable(self, index: int) -> str | None:
        """Return why a card that torch sees runs no kernel, with the way out; None if it does."""
        import torch

        error = _error_of(lambda: torch.zeros(1, device=self.torch_name(index)).add_(1).item())
        return None if error is None else f"it can run nothing: {error}"

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
            "hip": torch.version.hip,
            "cudnn": torch.backends.cudnn.version(),  # type: ignore[no-untyped-call]
            "cudnn_benchmark": torch.backends.cudnn.benchmark,
            "tf32": torch.backends.cudnn.allow_tf32,
            "driver": nvml.driver(),
            "nvidia_tf32_override": os.environ.get("NVIDIA_TF32_OVERRIDE"),
            "memory_allocator": _allocator(),
            **self._managed(index),
        }

    def _managed(self, index: int) -> Facts:
        """Return what the management library adds, and the card's rate in float32."""
        import torch

        card, known = torch.cuda.get_device_properties(index), _managed_card(index)
        facts = known.facts() if known else dict.fromkeys(nvml.FACTS)
        clock_hz = facts["most_clock_hz"] or 1e3 * getattr(card, "clock_rate", 0)
        lanes = LANES_OF_DATA_CENTRES.get((card.major, card.minor)) or LANES.get(card.major, 0)
        peak = 2.0 * card.multi_processor_count * lanes * float(clock_hz or 0)
        return {**facts, PEAK_FLOAT32: (peak or None) if torch.version.hip is None else None}

    def caches(self, threads: int, index: int) -> dict[str, int]:  # noqa: ARG002
        """Return the card's L2 cache; what its processors hold themselves no kernel keeps for the next."""
        return {"L2": self.cache_bytes(index)}

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

    def kernels_of(self, call: Callable[[], object], costs: Costs, index: int) -> list[RanKernel]:  # noqa: ARG002
        """Return the kernels that torch's profiler sees."""
        from benchcli.backends.devices.gpu_profiler import kernels_of

        return kernels_of(call, lambda: self.synchronize(index))

    def peak_bytes(self, call: Callable[[], object], index: int) -> int | None:
        """Return the most bytes that torch's caching allocator gave out during the call, weights included."""
        import torch

        torch.cuda.reset_peak_memory_stats(index)
        call()
        self.synchronize(index)
        return int(torch.cuda.max_memory_allocated(index))

    def health(self, index: int) -> Health | None:
        """Return the card's clock and throttle reasons from NVML, or None without NVML."""
        card = _managed_card(index)
        return card.health() if card else None

    def readings(self, index: int) -> Readings:
        """Return the card's temperature, power and use by others, from NVML."""
        card = _managed_card(index)
        return card.readings() if card else Readings()

    def kernels(self, call: Callable[[], object], index: int) -> str | None:
        """Return a hash of the kernels' names: cuDNN chooses algorithms anew in each process."""
        from benchcli.backends.devices.gpu_profiler import kernels

        try:
            return kernels(call, lambda: self.synchronize(index))
        except RuntimeError:  # the driver may reserve its counters for administrators
            return None

    def configure(self, threads: int, index: int) -> None:
        """Switch TF32 off, and cuDNN's search for the fastest algorithm on."""
        import torch

        super().configure(threads, index)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


def _managed_card(index: int) -> nvml.Card | None:
    """Return the card as the management library knows it, or None without the library."""
    import torch

    return nvml.card(str(torch.cuda.get_device_properties(index).uuid))


def _allocator() -> str:
    """Return the backend and the settings of torch's allocator of the card's memory."""
    import torch

    names = (
        "PYTORCH_ALLOC_CONF",
        "PYTORCH_CUDA_ALLOC_CONF",
        "PYTORCH_HIP_ALLOC_CONF",
        "PYTORCH_NO_CUDA_MEMORY_CACHING",
    )
    settings = [f"{name}={os.environ[name]}" for name in names if os.environ.get(name)]
    return " ".join([torch.cuda.get_allocator_backend(), *settings])


def _error_of(work: Callable[[], object]) -> str | None:
    """Return the first line of the error that some work raises, with the way out; None without an error."""
    try:
        work()
    except Exception as error:  # torch raises errors of many classes here
        line = next(iter(str(error).splitlines()), "") or type(error).__name__
        return next((f"{line.rstrip('.')}: {hint}" for part, hint in HINTS.items() if part in line), line)
    return None


def _liveness(capture: Callable[..., object]) -> dict[str, Any]:
    """Return the argument that makes torch check that what a graph reads is alive; older ones lack it."""
    name = "check_input_liveness"
    return {name: True} if name in inspect.signature(capture).parameters else {}


DEVICES.add(Cuda())
