"""ExecuTorch, PyTorch's runtime for phones and boards: the network is exported, and its parts delegated to XNNPACK."""

import tempfile
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli import files
from benchcli.backends import quantisation
from benchcli.backends.devices.base import RanKernel
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Profiler, RanNode, Runtime
from benchcli.cost.node_categories import category_of_node
from benchcli.cost.operators import category_by_name
from benchcli.schema import Category

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

PROGRAM = "model.pte"
NO_KERNEL = "ExecuTorch has no kernel for it"
OF_OPERATOR = "native_call_"
"""How the names of a profile's events begin that are operators outside XNNPACK."""
NOT_DELEGATED = "not in XNNPACK"
REDUCTIONS = ("Mean", "Sum")
"""XNNPACK's names of what ONNX calls ReduceMean and ReduceSum: without that word they are element-wise there."""
COPYING = "_copy"
"""How the names of operators end that torch has as views, and that copy in ExecuTorch."""


class ExecuTorch(Runtime):
    """XNNPACK's kernels where it takes an operator, and the portable ones elsewhere."""

    name = "executorch"
    title = "ExecuTorch"
    devices = ("cpu", "fake")
    layouts = ("nchw",)
    options = quantisation.OPTION
    export_s = 600.0
    exports_slowly = True
    untraceable = {"layers": "adds the nodes of each module, and XNNPACK does not say which module its nodes are of"}

    @property
    def requires(self) -> Mapping[str, str]:  # type: ignore[override]
        """ExecuTorch, and what quantises for it with that option."""
        return {"executorch": "executorch", **({"torchao": "torchao"} if self.option else {})}

    def computes_in(self, dtype: str) -> str:
        """Return int8 with that option, and the network's own dtype without."""
        return self.option or dtype

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
            if self.option:
                quantisation.refuse_other_dtypes(flat.given, network)
                exported = torch.export.export(_quantised(exported, flat.given, place), flat.given)
            lowered = to_edge_transform_and_lower(exported, partitioner=[XnnpackPartitioner()])
            program = lowered.to_executorch().buffer
        artifact.mkdir()
        files.create(artifact / PROGRAM, program)

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs the program on fixed inputs. Its outputs are overwritten by the next call."""
        return _bound(network, inputs, place, artifact)[0]

    def profiler(
        self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None
    ) -> Profiler | None:
        """Return the profiler of a module of its own."""
        return _ModuleProfiler(*_bound(network, inputs, place, artifact, is_profiled=True))


class _ModuleProfiler(Profiler):
    """A module that keeps the events of each call, and writes them once it is finished."""

    tells_reorders = False  # XNNPACK's conversions of layout are transpositions, as a network has some of its own

    def __init__(self, call: Call, module: Any) -> None:
        self._run, self._module, self._calls = call, module, 0

    def call(self) -> object:
        """Run the program once."""
        self._calls += 1
        return self._run()

    def finish(self) -> list[list[RanNode]]:
        """Return the nodes of each call; that which looked for kernels comes before them."""
        from executorch.devtools.etdump.serialize import deserialize_from_etdump_flatcc

        with tempfile.TemporaryDirectory(prefix="benchcli-") as folder:
            dump = Path(folder) / "profile.etdp"
            self._module.write_etdump_result_to_file(str(dump))
            runs = deserialize_from_etdump_flatcc(dump.read_bytes()).run_data
        calls = [[each.profile_event for each in run.events if each.profile_event] for run in runs]
        return list(map(nodes_of, calls))[-self._calls :]


def nodes_of(events: Iterable[Any]) -> list[RanNode]:
    """Return the nodes of a call: those of XNNPACK's graphs, and the operators outside them.

    `events` are ExecuTorch's `ProfileEvent`, in nanoseconds. Others than these two kinds contain them.
    """
    nodes = []
    for event in events:
        seconds = (event.end_time - event.start_time) / 1e9
        if event.delegate_debug_id_str:
            nodes.append(_delegated(event.delegate_debug_id_str, seconds))
        elif (event.name or "").startswith(OF_OPERATOR):
            nodes.append(_operator(event.name.removeprefix(OF_OPERATOR), seconds))
    return nodes


def _delegated(name: str, seconds: float) -> RanNode:
    """Return a node of XNNPACK's, whose name is such as "Convolution (NHWC, F32) DWConv #1"."""
    work, _, kernel = name.rpartition(" #")[0].partition(" (")
    ran = RanKernel(work, f"XNNPACK ({kernel}" if kernel else "XNNPACK", seconds)
    plain = f"Reduce{work}" if work in REDUCTIONS else work.replace(" ", "")
    return RanNode(ran, category_of_node(plain, is_depthwise="DWConv" in kernel))


def _operator(name: str, seconds: float) -> RanNode:
    """Return an operator that XNNPACK did not take, such as "native_layer_norm.out"."""
    work = name.partition(".")[0]
    of_time: Category = "data" if work.endswith(COPYING) else category_by_name(work)
    return RanNode(RanKernel(work, NOT_DELEGATED, seconds), of_time)


def _quantised(exported: "torch.export.ExportedProgram", given: "tuple[torch.Tensor, ...]", place: Place) -> Any:
    """Return a program with what XNNPACK's quantiser adds. Raises NotImplementedError if there is nothing to quantise.

    Weights have a scale for each channel.
    """
    from executorch.backends.xnnpack.quantizer.xnnpack_quantizer import (
        XNNPACKQuantizer,
        get_symmetric_quantization_config,
    )
    from torchao.quantization.pt2e.quantize_pt2e import convert_pt2e, prepare_pt2e

    quantiser = XNNPACKQuantizer().set_global(get_symmetric_quantization_config(is_per_channel=True))
    observed = prepare_pt2e(exported.module(), quantiser)
    for call in quantisation.calibration(given):
        observed(*call)
        place.alive()
    found = convert_pt2e(observed)
    if all("quantize_per" not in str(each.target) for each in found.graph.nodes):
        raise NotImplementedError("it has no operator that XNNPACK quantises")
    return found


def _bound(
    network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None, is_profiled: bool = False
) -> tuple[Call, Any]:
    """Return a call of what was exported on fixed inputs, after a first one, and its module."""
    from benchcli.backends.flat_call import FlatCall

    assert artifact  # noqa: S101
    program = (artifact / PROGRAM).read_bytes()
    module, given = _loaded(program, place.threads, is_profiled), list(FlatCall(network, inputs).given)
    try:
        module.forward(given)
    except RuntimeError as error:
        raise NotImplementedError(f"{NO_KERNEL}: {error}") from None
    forward = module.forward

    def call(_kept: object = program) -> "tuple[torch.Tensor, ...]":
        return tuple(forward(given, clone_outputs=False))

    return call, module


def _loaded(program: bytes, threads: int, is_profiled: bool = False) -> Any:
    """Return a program's module, which reads the bytes as long as it lives.

    The pool of threads is all of the machine's cores, and made when the first program is loaded, unless it is set
    before. Raises NotImplementedError if it has another number of threads, or lacks a kernel.
    """
    from executorch.extension.pybindings import _C as runtime  # noqa: N811  its public module imports all that exports

    runtime._unsafe_reset_threadpool(threads)
    if (used := runtime._threadpool_get_thread_count()) != threads:
        raise NotImplementedError(f"ExecuTorch uses {used} threads where it was given {threads}")
    try:
        return runtime._load_for_executorch_from_buffer(program, enable_etdump=is_profiled)
    except RuntimeError as error:
        raise NotImplementedError(f"{NO_KERNEL}: {error}") from None


RUNTIMES.add(ExecuTorch())
