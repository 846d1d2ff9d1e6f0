"""ExecuTorch, PyTorch's runtime for phones and boards: the network is exported, and its parts delegated to XNNPACK."""

import warnings
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli import files
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Runtime, untraced

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

PROGRAM = "model.pte"
NO_KERNEL = "ExecuTorch has no kernel for it"


class ExecuTorch(Runtime):
    """XNNPACK's kernels where it takes an operator, and the portable ones elsewhere."""

    name = "executorch"
    title = "ExecuTorch"
    requires = {"executorch": "executorch"}
    devices = ("cpu", "fake")
    layouts = ("nchw",)
    export_s = 600.0
    untraceable = untraced("ExecuTorch")

    def export(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path) -> None:
        """Write a folder with the program."""
        import torch

        from benchcli.backends.flat_call import FlatCall

        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of what its own dependencies deprecate
            from executorch.backends.xnnpack.partition.xnnpack_partitioner import XnnpackPartitioner
            from executorch.exir import to_edge_transform_and_lower

            place.alive()
            flat = FlatCall(network, inputs)
            exported = torch.export.export(flat, flat.given)
            place.alive()
            lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
            program = lowered.to_executorch().buffer
        artifact.mkdir()
        files.create(artifact / PROGRAM, program)

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs the program on fixed inputs. Its outputs are overwritten by the next call."""
        from benchcli.backends.flat_call import FlatCall

        assert artifact  # noqa: S101
        program = (artifact / PROGRAM).read_bytes()
        module, given = _loaded(program, place.threads), list(FlatCall(network, inputs).given)
        try:
            module.forward(given)
        except RuntimeError as error:
            raise NotImplementedError(f"{NO_KERNEL}: {error}") from None
        forward = module.forward

        def call(_kept: object = program) -> "tuple[torch.Tensor, ...]":
            return tuple(forward(given, clone_outputs=False))

        return call


def _loaded(program: bytes, threads: int) -> Any:
    """Return a program's module, which reads the bytes as long as it lives.

    The pool of threads is all of the machine's cores, and made when the first program is loaded, unless it is set
    before. Raises NotImplementedError if it has another number of threads, or lacks a kernel.
    """
    from executorch.extension.pybindings import _C as runtime  # noqa: N811  its public module imports all that exports

    runtime._unsafe_reset_threadpool(threads)
    if (used := runtime._threadpool_get_thread_count()) != threads:
        raise NotImplementedError(f"ExecuTorch uses {used} threads where it was given {threads}")
    try:
        return runtime._load_for_executorch_from_buffer(program)
    except RuntimeError as error:
        raise NotImplementedError(f"{NO_KERNEL}: {error}") from None


RUNTIMES.add(ExecuTorch())
