"""OpenVINO: the network is traced into its representation, and compiled for the processor when it is loaded."""

import re
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.backends import quantisation
from benchcli.backends.devices.base import RanKernel
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Profiler, RanNode, Runtime
from benchcli.cost.node_categories import category_of_node
from benchcli.schema import REORDER

if TYPE_CHECKING:
    import torch

    from benchcli.backends.flat_call import FlatCall
    from benchcli.cost.inputs import Inputs

TELEMETRY = "openvino_telemetry"
OF_DTYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "float64": "f32", "int8": "f32"}
"""What it is told to compute in, besides what is quantised.

Left to itself it takes bfloat16 for float32 where the processor is fast at it.
"""


OF_MODULE = re.compile(r"__module\.network((?:\.\w+)*)/")
"""What the name of a node begins with that torch's tracer saw, with the path of its module."""


LACKING = re.compile(r"^-- (?!.* with a message:\s*$)(.+)$", re.MULTILINE)
"""A line in which it says what it cannot convert; those that lead to a message are summed up at the end."""
COMPLEX = "ComplexTypeMark", "complex numbers (ComplexTypeMark)"


class OpenVino(Runtime):
    """The CPU plug-in, with one stream, computing in the network's own dtype unless an option says otherwise."""

    name = "openvino"
    title = "OpenVINO"
    devices = ("cpu", "fake")
    layouts = ("nchw",)
    reads_onnx = True
    options = {
        "bf16": "computes networks of float32 in bfloat16, which is its default on processors that have it",
        **quantisation.OPTION,
    }
    export_s = 300.0

    @property
    def requires(self) -> Mapping[str, str]:  # type: ignore[override]
        """OpenVINO, and what quantises for it with that option."""
        return {"openvino": "openvino", **({"nncf": "nncf"} if self.option == "int8" else {})}

    def computes_in(self, dtype: str) -> str:
        """Return the dtype that an option says, and the network's own dtype without one."""
        return {"bf16": "bfloat16"}.get(self.option, self.option) or dtype

    def export(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path) -> None:
        """Write a folder with the graph and its weights."""
        from benchcli.backends.flat_call import FlatCall

        flat = FlatCall(network, inputs)
        if self.option == "int8":
            quantisation.refuse_other_dtypes(flat.given, network)
        artifact.mkdir()
        openvino = _openvino()
        with _without_telemetry():
            if write := getattr(network, "write_onnx", None):
                write(artifact / "model.onnx", inputs)
                model = openvino.convert_model(artifact / "model.onnx")
            else:
                model = _converted(openvino, flat)
            if self.option == "int8":
                model = _quantised(model, flat.given, place)
        openvino.save_model(model, artifact / "model.xml", compress_to_fp16=False)

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs an inference request on memory that it shares with torch."""
        bound = _bound(network, inputs, place, artifact, self._dtype_of(network))
        infer, outputs = bound.request.infer, bound.outputs

        def call(_kept: object = bound) -> "tuple[torch.Tensor, ...]":
            infer()
            return outputs

        return call

    def profiler(
        self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None
    ) -> Profiler | None:
        """Return the profiler of a request of its own."""
        bound = _bound(network, inputs, place, artifact, self._dtype_of(network), is_profiled=True)
        return _RequestProfiler(bound)

    def _dtype_of(self, network: "torch.nn.Module") -> str:
        """Return what OpenVINO is told to compute a network in."""
        dtype = next((str(each.dtype) for each in network.parameters() if each.is_floating_point()), "torch.float32")
        return OF_DTYPES[self.computes_in(dtype.removeprefix("torch."))]


@dataclass(frozen=True)
class _Bound:
    """An inference request whose inputs are filled once, and whose outputs have their memory already."""

    request: Any
    outputs: "tuple[torch.Tensor, ...]"
    model: Any
    given: "tuple[torch.Tensor, ...]"
    """What OpenVINO shares, and must live as long as the request."""


class _RequestProfiler(Profiler):
    """A request that tells after each call how long each node took."""

    def __init__(self, bound: _Bound) -> None:
        self._bound, self._calls = bound, list[list[Any]]()

    def call(self) -> object:
        """Run the request once."""
        request = self._bound.request
        request.infer()
        self._calls.append(request.get_profiling_info())
        return self._bound.outputs

    def finish(self) -> list[list[RanNode]]:
        """Return the nodes of each call; what is fused, or only a view, did not run."""
        modules = _modules_of(self._bound.model)
        return [[_node(each, modules) for each in call if each.status.name == "EXECUTED"] for call in self._calls]


def _modules_of(model: Any) -> dict[str, str]:
    """Return the module of each node of a compiled model, by its name: of fused ones the first that is known."""
    modules: dict[str, str] = {}
    for node in model.get_runtime_model().get_ordered_ops():
        names = str(node.rt_info["originalLayersNames"].astype(str)) if "originalLayersNames" in node.rt_info else ""
        if found := OF_MODULE.search(names):
            modules[node.friendly_name] = found[1].removeprefix(".")
    return modules


def _node(info: Any, modules: Mapping[str, str]) -> RanNode:
    name, kernel, seconds = info.node_type, info.exec_type, info.real_time.total_seconds()
    ran = RanKernel(REORDER if name == "Reorder" else name, kernel, seconds)
    return RanNode(ran, category_of_node(name, is_depthwise="_dw" in kernel), modules.get(info.node_name))


def _converted(openvino: Any, flat: "FlatCall") -> Any:
    """Return a traced network's model, or that of its exported program where OpenVINO lacks one of the operators.

    Raises NotImplementedError if it takes neither.
    """
    import torch

    shapes = [each.shape for each in flat.given]
    try:
        return openvino.convert_model(flat, example_input=flat.given, input=shapes)
    except openvino.frontend.OpConversionFailure as error:
        lacking = [each.replace(*COMPLEX) for each in LACKING.findall(str(error))]
    try:
        return openvino.convert_model(torch.export.export(flat, flat.given))
    except Exception:  # torch cannot export it, or OpenVINO lacks operators there too
        raise NotImplementedError("; ".join(lacking) or "it lacks an operator of it") from None


def _quantised(model: Any, given: "tuple[torch.Tensor, ...]", place: Place) -> Any:
    """Return a model with nncf's quantisation. Raises NotImplementedError if there is nothing to quantise."""
    import nncf

    def values(call: "tuple[torch.Tensor, ...]") -> list[Any]:
        place.alive()
        return [each.numpy() for each in call]

    calls = list(quantisation.calibration(given))
    found = nncf.quantize(model, nncf.Dataset(calls, values), subset_size=len(calls))
    if all(each.get_type_name() != "FakeQuantize" for each in found.get_ops()):
        raise NotImplementedError("it has no operator that nncf quantises")
    return found


def compiled(model: Path, threads: int, computes_in: str, is_profiled: bool = False) -> Any:
    """Return a compiled model. Raises NotImplementedError if it does not compute as it was told."""
    openvino = _openvino()
    wanted = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": computes_in, "NUM_STREAMS": 1}
    settings = {**wanted, "ENABLE_CPU_PINNING": False, "PERFORMANCE_HINT": "LATENCY", "PERF_COUNT": is_profiled}
    found = openvino.Core().compile_model(str(model), "CPU", settings)
    if (used := found.get_property("INFERENCE_NUM_THREADS")) != threads:
        raise NotImplementedError(f"OpenVINO uses {used} threads where it was given {threads}")
    if (used := found.get_property("INFERENCE_PRECISION_HINT").to_string()) != computes_in:
        raise NotImplementedError(f"OpenVINO computes in {used} where it was told {computes_in}")
    return found


def _bound(
    network: "torch.nn.Module",
    inputs: "Inputs",
    place: Place,
    artifact: Path | None,
    computes_in: str,
    is_profiled: bool = False,
) -> _Bound:
    """Return a request of what was exported, bound to the inputs."""
    from benchcli.backends.flat_call import FlatCall

    assert artifact  # noqa: S101
    given = FlatCall(network, inputs).given
    model = compiled(artifact / "model.xml", place.threads, computes_in, is_profiled)
    if len(model.inputs) != len(given):
        raise NotImplementedError(f"the graph takes {len(model.inputs)} inputs, and the network {len(given)}")
    request = model.create_infer_request()
    for number, tensor in enumerate(given):
        request.set_input_tensor(number, _shared(tensor))
    request.infer()  # a graph need not say the shapes of its outputs
    outputs = tuple(_like(request.get_output_tensor(number)) for number in range(len(model.outputs)))
    for number, tensor in enumerate(outputs):
        request.set_output_tensor(number, _shared(tensor))
    return _Bound(request, outputs, model, given)


def _shared(tensor: "torch.Tensor") -> Any:
    """Return OpenVINO's view of a tensor's memory."""
    import torch

    openvino = _openvino()
    if tensor.dtype == torch.bfloat16:
        return openvino.Tensor(tensor.view(torch.int16).numpy(), openvino.Shape(tensor.shape), openvino.Type.bf16)
    return openvino.Tensor(tensor.numpy(), shared_memory=True)


def _like(tensor: Any) -> "torch.Tensor":
    """Return an empty tensor of torch's of the same shape and type."""
    import torch

    openvino = _openvino()
    if tensor.element_type == openvino.Type.bf16:
        return torch.empty(tuple(tensor.shape), dtype=torch.bfloat16)
    return torch.from_numpy(tensor.data.copy())


def _openvino() -> Any:
    """Import OpenVINO, which would load its telemetry as it is imported."""
    with _without_telemetry():
        import openvino
    return openvino


@contextmanager
def _without_telemetry() -> Iterator[None]:
    """Let it report nothing to its makers: it would ask the network, and write into the home folder."""
    before = sys.modules.get(TELEMETRY)
    sys.modules[TELEMETRY] = None  # type: ignore[assignment]
    try:
        yield
    finally:
        del sys.modules[TELEMETRY]
        if before is not None:
            sys.modules[TELEMETRY] = before


RUNTIMES.add(OpenVino())
