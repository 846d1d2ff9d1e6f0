"""NVIDIA GPUs through CUDA, and AMD's through torch's ROCm build, which answers to the same name."""

from benchcli.devices.base import DEVICES, Facts
from benchcli.devices.events import EventDevice


class Cuda(EventDevice):
    """A CUDA device. float32 means float32: TF32 is off. cudnn picks its algorithms by trial, as in the paper."""

    name = "cuda"
    title = "CUDA GPU"

    def facts(self, index: int) -> Facts:
        """Return the card, its size, and the libraries and settings that decide its kernels."""
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
        }

    def configure(self, threads: int, index: int) -> None:
        """Switch TF32 off and cudnn's search for the fastest algorithm on."""
        import torch

        super().configure(threads, index)
        torch.backends.cudnn.benchmark = True
        torch.backends.cudnn.allow_tf32 = False
        torch.backends.cuda.matmul.allow_tf32 = False


DEVICES.add(Cuda())
