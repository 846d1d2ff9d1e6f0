"""ONNX Runtime: the network is exported to ONNX, and runs with its inputs and outputs bound to fixed memory.

What a call does on a GPU is finished when it returns.
"""

import json
import re
import tempfile
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli.backends import quantisation
from benchcli.backends.devices.base import Device, RanKernel
from benchcli.backends.runtimes.base import (
    RUNTIMES,
    UNKNOWN_VERSION,
    Call,
    Place,
    Profiler,
    RanNode,
    Runtime,
    version_of,
)
from benchcli.cost.node_categories import category_of_node
from benchcli.schema import REORDER
from benchcli.spelling import given

if TYPE_CHECKING:
    import torch

    from benchcli.backends.flat_call import FlatCall
    from benchcli.cost.inputs import Inputs

BFLOAT16 = 16
"""onnx.TensorProto.BFLOAT16: NumPy has no such type."""
OF_KERNEL, BLOCKED = "_kernel_time", "_nchwc"
"""How the names of a profile's events end that are nodes, and those of nodes on blocked channels."""


NAMED_AFTER = re.compile(r"(_token_\d+|_nchwc|_nhwc)+$")
"""What ONNX Runtime adds to a name for a node of its own."""
SCOPES = "pkg.torch.onnx.name_scopes"
"""Where torch's exporter keeps the modules around a node, outermost first."""
OF_MODULE = re.compile(r"'network((?:\.\w+)*)'")
PROVIDERS = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
"""Those that run on CUDA devices, by the names that their libraries have."""


class OnnxRuntime(Runtime):
    """The execution provider of the device, with all optimisations unless an option leaves some out."""

    name = "onnxruntime"
    title = "ONNX Runtime"
    requires = {"onnxruntime": "onnxruntime", "onnx": "onnx", "onnxscript": "onnxscript"}
    devices = ("cpu", "cuda", "fake")
    layouts = ("nchw",)
    reads_onnx = True
    options = {
        "extended": "without the optimisations of layout: no blocked channels (NCHWc)",
        "tensorrt": "TensorRT's engines where they take an operator (cuda only)",
        **quantisation.OPTION,
    }
    export_s = 300.0

    def missing(self, device: Device) -> str | None:
        """Return why it cannot be used: for CUDA it is another package, which has the same name when it is imported."""
        if own := super().missing(device):
            return own
        if self.option == "tensorrt" and device.name != "cuda":
            return f"{self.full_name} runs on CUDA devices alone: give {given('device', 'cuda')}"
        provider = self.option if self.option in PROVIDERS else device.name
        if provider in PROVIDERS and not _has_library(provider):
            return (
                f"this ONNX Runtime has no {PROVIDERS[provider]}: pip install onnxruntime-gpu in place of onnxruntime"
            )
        return None

    @property
    def installed_versions(self) -> Mapping[str, str]:
        """The versions of the packages that it needs; that for GPUs has another name."""
        known = dict(super().installed_versions)
        if known["onnxruntime"] == UNKNOWN_VERSION:
            known["onnxruntime"] = version_of("onnxruntime-gpu")
        return known

    def computes_in(self, dtype: str) -> str:
        """Return int8 with that option, and the network's own dtype without."""
        return "int8" if self.option == "int8" else dtype

    def export(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path) -> None:
        """Write an ONNX file, in a folder with its weights if these are large."""
        from benchcli.backends.flat_call import FlatCall

        flat = FlatCall(network, inputs)
        if self.option == "int8":
            quantisation.refuse_other_dtypes(flat.given, network)
        artifact.mkdir()
        if write := getattr(network, "write_onnx", None):
            write(artifact / "model.onnx", inputs)
        else:
            _exported(flat).save(artifact / "model.onnx")
        if self.option == "int8":
            quantisation.quantise_onnx(artifact / "model.onnx", flat.given, place.alive)

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs the session on bound memory."""
        from benchcli.backends.flat_call import FlatCall

        assert artifact  # noqa: S101
        return bound(self._session(artifact / "model.onnx", place), FlatCall(network, inputs).given)

    def profiler(
        self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None
    ) -> Profiler | None:
        """Return the profiler of a session of its own. Raises NotImplementedError on CUDA devices."""
        from benchcli.backends.flat_call import FlatCall

        assert artifact  # noqa: S101
        if place.device.name == "cuda":
            raise NotImplementedError("ONNX Runtime's profile says how long a GPU's kernels are queued, and not run")
        folder = tempfile.TemporaryDirectory(prefix="benchcli-")
        file = artifact / "model.onnx"
        session = self._session(file, place, profiled_in=folder.name)
        return _SessionProfiler(session, FlatCall(network, inputs).given, folder, file)

    def _session(self, model: Path, place: Place, profiled_in: str = "") -> Any:
        """Return a session.

        Raises NotImplementedError if an operator has no kernel of the graph's types, or a provider does not start.
        """
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as states

        levels = ort.GraphOptimizationLevel
        options = ort.SessionOptions()
        options.intra_op_num_threads, options.inter_op_num_threads = place.threads, 1
        is_extended = self.option == "extended"
        options.graph_optimization_level = levels.ORT_ENABLE_EXTENDED if is_extended else levels.ORT_ENABLE_ALL
        options.log_severity_level = 4
        options.enable_profiling, options.profile_file_prefix = bool(profiled_in), f"{profiled_in}/profile"
        # Threads that spin after a call would slow down whatever runs next in this process.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        wanted = providers_of(place, self.option)
        try:
            session = ort.InferenceSession(str(model), options, providers=wanted)
        except (states.InvalidGraph, states.NotImplemented) as error:
            raise NotImplementedError(f"ONNX Runtime has no kernel for it: {error}") from None
        if (first := wanted[0][0]) not in session.get_providers():
            raise NotImplementedError(f"ONNX Runtime's {first} does not start here, and the processor would compute")
        return session


def providers_of(place: Place, option: str) -> list[tuple[str, dict[str, str]]]:
    """Return the execution providers for a place, the preferred one first, with their settings.

    Convolutions and products of float32 are computed as float32, and not as TF32.
    """
    on_processor = [("CPUExecutionProvider", dict[str, str]())]
    if place.device.name != "cuda":
        return on_processor
    where = {"device_id": str(place.index)}
    by_cuda = [(PROVIDERS["cuda"], {**where, "use_tf32": "0"}), *on_processor]
    return [(PROVIDERS["tensorrt"], where), *by_cuda] if option == "tensorrt" else by_cuda


def _has_library(provider: str) -> bool:
    """Return whether the installed package has a provider's library. It imports nothing."""
    spec = find_spec("onnxruntime")
    folders = spec.submodule_search_locations if spec else None
    return any(any(Path(folder).glob(f"capi/*onnxruntime_providers_{provider}.*")) for folder in folders or ())


class _SessionProfiler(Profiler):
    """A session that writes a file with each node that it runs, once it is finished."""

    def __init__(
        self, session: Any, given: "Sequence[torch.Tensor]", folder: "tempfile.TemporaryDirectory[str]", file: Path
    ) -> None:
        self._session, self._folder, self._modules = session, folder, _modules_of(file)
        self._run, self._calls = bound(session, given), 0

    def call(self) -> object:
        """Run the session once."""
        self._calls += 1
        return self._run()

    def finish(self) -> list[list[RanNode]]:
        """Return the nodes of each call; those of the calls that bound the outputs come before them."""
        events = json.loads(Path(self._session.end_profiling()).read_text())
        self._folder.cleanup()
        return nodes_of_calls(events, self._modules)[-self._calls :]


def _modules_of(file: Path) -> dict[str, str]:
    """Return the module that each node of a file comes from, by the names of the node and of its outputs."""
    import onnx

    modules: dict[str, str] = {}
    for node in onnx.load(file, load_external_data=False).graph.node:
        scopes = next((each.value for each in node.metadata_props if each.key == SCOPES), "")
        if found := OF_MODULE.findall(scopes):
            modules |= dict.fromkeys((node.name, *node.output), found[-1].removeprefix("."))
    return modules


def nodes_of_calls(events: Sequence[Mapping[str, Any]], modules: Mapping[str, str]) -> list[list[RanNode]]:
    """Return the nodes of each call of a session, from the events that it wrote: a call ends with `model_run`.

    `modules` has those of the file's nodes and values, after which the session names its own.
    """
    calls: list[list[RanNode]] = [[]]
    for event in events:
        if event["name"] == "model_run":
            calls.append([])
        elif event.get("cat") == "Node" and event["name"].endswith(OF_KERNEL):
            calls[-1].append(_node(event, modules))
    return calls[:-1]


def _node(event: Mapping[str, Any], modules: Mapping[str, str]) -> RanNode:
    facts, node = event["args"], event["name"].removesuffix(OF_KERNEL)
    name, seconds = str(facts["op_name"]), event["dur"] / 1e6
    provider = str(facts["provider"]).removesuffix("ExecutionProvider")
    shapes = [shape for each in facts.get("input_type_shape", ()) for shape in each.values()]
    if name.startswith("Reorder"):
        return RanNode(RanKernel(REORDER, name, seconds), "data")
    kernel = RanKernel(name, f"{provider} NCHWc" if node.endswith(BLOCKED) else provider, seconds)
    return RanNode(kernel, category_of_node(name, shapes), modules.get(NAMED_AFTER.sub("", node)))


def _exported(flat: "FlatCall") -> Any:
    """Return torch's ONNX program of a network. Raises NotImplementedError if there is none."""
    import torch

    program = torch.onnx.export(flat, flat.given, dynamo=True, verbose=False)
    if program is None:
        raise NotImplementedError("torch.onnx gave no program")
    return program


def bound(session: Any, given: Sequence["torch.Tensor"]) -> Call:
    """Return a call of a session whose inputs are filled once, and whose outputs have their memory already."""
    import torch

    wanted = session.get_inputs()
    if len(wanted) != len(given):
        raise NotImplementedError(f"the graph takes {len(wanted)} inputs, and the network {len(given)}")
    binding, device = session.io_binding(), given[0].device if given else torch.device("cpu")
    where = device.type, device.index or 0
    for each, tensor in zip(wanted, given, strict=True):
        binding.bind_input(each.name, *where, _numbers()[each.type], tuple(tensor.shape), tensor.data_ptr())
    for each in session.get_outputs():
        binding.bind_output(each.name, *where)
    session.run_with_iobinding(binding)  # an exported graph need not say the shapes of its outputs
    outputs = []
    for each, value in zip(session.get_outputs(), binding.get_outputs(), strict=True):
        output = torch.empty(value.shape(), dtype=_torch_types()[each.type], device=device)
        binding.bind_output(each.name, *where, _numbers()[each.type], tuple(output.shape), output.data_ptr())
        outputs.append(output)
    run, kept, results = session.run_with_iobinding, tuple(given), tuple(outputs)

    def call(_inputs: Sequence["torch.Tensor"] = kept) -> tuple["torch.Tensor", ...]:
        run(binding)
        return results

    return call


def _numbers() -> Mapping[str, Any]:
    """Return NumPy's types of elements by ONNX Runtime's names."""
    import numpy

    return {
        "tensor(float)": numpy.float32,
        "tensor(double)": numpy.float64,
        "tensor(float16)": numpy.float16,
        "tensor(bfloat16)": BFLOAT16,
        "tensor(int64)": numpy.int64,
        "tensor(int32)": numpy.int32,
        "tensor(int16)": numpy.int16,
        "tensor(int8)": numpy.int8,
        "tensor(uint8)": numpy.uint8,
        "tensor(bool)": numpy.bool_,
    }


def _torch_types() -> Mapping[str, "torch.dtype"]:
    """Return torch's types of elements by ONNX Runtime's names."""
    import torch

    return {
        "tensor(float)": torch.float32,
        "tensor(double)": torch.float64,
        "tensor(float16)": torch.float16,
        "tensor(bfloat16)": torch.bfloat16,
        "tensor(int64)": torch.int64,
        "tensor(int32)": torch.int32,
        "tensor(int16)": torch.int16,
        "tensor(int8)": torch.int8,
        "tensor(uint8)": torch.uint8,
        "tensor(bool)": torch.bool,
    }


RUNTIMES.add(OnnxRuntime())
