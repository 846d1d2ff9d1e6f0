"""OpenVINO: the network is traced into its representation, and compiled for the processor when it is loaded."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.backends import quantisation
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Runtime, untraced

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

TELEMETRY = "openvino_telemetry"
OF_DTYPES = {"float32": "f32", "float16": "f16", "bfloat16": "bf16", "float64": "f32", "int8": "f32"}
"""What it is told to compute in, besides what is quantised.

Left to itself it takes bfloat16 for float32 where the processor is fast at it.
"""


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
    untraceable = untraced("OpenVINO")

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
                shapes = [each.shape for each in flat.given]
                model = openvino.convert_model(flat, example_input=flat.given, input=shapes)
            if self.option == "int8":
                model = _quantised(model, flat.given, place)
        openvino.save_model(model, artifact / "model.xml", compress_to_fp16=False)

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs an inference request on memory that it shares with torch."""
        from benchcli.backends.flat_call import FlatCall

        assert artifact  # noqa: S101
        given = FlatCall(network, inputs).given
        dtype = next((str(each.dtype) for each in network.parameters() if each.is_floating_point()), "torch.float32")
        computes_in = OF_DTYPES[self.computes_in(dtype.removeprefix("torch."))]
        return bound(compiled(artifact / "model.xml", place.threads, computes_in), given)


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


def compiled(model: Path, threads: int, computes_in: str) -> Any:
    """Return a compiled model. Raises NotImplementedError if it does not compute as it was told."""
    openvino = _openvino()
    wanted = {"INFERENCE_NUM_THREADS": threads, "INFERENCE_PRECISION_HINT": computes_in, "NUM_STREAMS": 1}
    settings = {**wanted, "ENABLE_CPU_PINNING": False, "PERFORMANCE_HINT": "LATENCY"}
    found = openvino.Core().compile_model(str(model), "CPU", settings)
    if (used := found.get_property("INFERENCE_NUM_THREADS")) != threads:
        raise NotImplementedError(f"OpenVINO uses {used} threads where it was given {threads}")
    if (used := found.get_property("INFERENCE_PRECISION_HINT").to_string()) != computes_in:
        raise NotImplementedError(f"OpenVINO computes in {used} where it was told {computes_in}")
    return found


def bound(model: Any, given: "tuple[torch.Tensor, ...]") -> Call:
    """Return a call of a compiled model whose inputs are filled once, and whose outputs have their memory already."""
    if len(model.inputs) != len(given):
        raise NotImplementedError(f"the graph takes {len(model.inputs)} inputs, and the network {len(given)}")
    request = model.create_infer_request()
    for number, tensor in enumerate(given):
        request.set_input_tensor(number, _shared(tensor))
    request.infer()  # a graph need not say the shapes of its outputs
    outputs = tuple(_like(request.get_output_tensor(number)) for number in range(len(model.outputs)))
    for number, tensor in enumerate(outputs):
        request.set_output_tensor(number, _shared(tensor))
    infer, kept = request.infer, (model, given)  # what OpenVINO shares must live as long as the call

    def call(_kept: object = kept) -> "tuple[torch.Tensor, ...]":
        infer()
        return outputs

    return call


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
