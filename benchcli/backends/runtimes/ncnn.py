"""ncnn: the network is traced, converted by pnnx, and runs with ncnn's packed layout of channels."""

import json
import subprocess
import tempfile
import warnings
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from benchcli import files
from benchcli.backends.runtimes.base import RUNTIMES, Call, Place, Runtime, untraced
from benchcli.spelling import given

if TYPE_CHECKING:
    import torch

    from benchcli.cost.inputs import Inputs

TYPES = {"float32": "f32", "int32": "i32", "int64": "i64"}
"""pnnx's names of the dtypes that inputs may have. ncnn's own whole numbers have 32 bits."""
GRAPH, WEIGHTS, SHAPES = "model.ncnn.param", "model.ncnn.bin", "shapes.json"
HEADER = 2
"""The lines of a graph before its layers: a magic number, and how many layers and blobs there are."""


POOLS: list[tuple[object, object]] = []
"""The memory in which networks compute, which must outlive them: without it ncnn asks for new memory in each call."""


class Ncnn(Runtime):
    """The CPU kernels, in float32 and with channels packed as wide as registers unless an option says otherwise."""

    name = "ncnn"
    title = "ncnn"
    requires = {"ncnn": "ncnn", "pnnx": "pnnx"}
    devices = ("cpu", "fake")
    layouts = ("nchw",)
    options = {
        "unpacked": "without packed channels: each channel is a plane of its own",
        "bf16": "keeps weights and activations of networks of float32 in bfloat16",
    }
    export_s = 300.0
    untraceable = untraced("ncnn")

    def computes_in(self, dtype: str) -> str:
        """Return bfloat16 with that option, and the network's own dtype without."""
        return "bfloat16" if self.option == "bf16" else dtype

    def export(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path) -> None:  # noqa: ARG002
        """Write a folder with the graph, its weights, and the shapes of its outputs."""
        import torch

        from benchcli.backends.flat_call import FlatCall

        flat = FlatCall(network, inputs)
        shapes, outputs = ",".join(map(_described, flat.given)), flat(*flat.given)
        _refuse_dtypes(flat, outputs)
        with tempfile.TemporaryDirectory() as folder:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # torch deprecates tracing, and pnnx reads nothing else
                traced = torch.jit.trace(flat, flat.given, check_trace=False)  # type: ignore[no-untyped-call]
            traced.save(str(Path(folder) / "model.pt"))
            _convert(Path(folder), shapes)
            artifact.mkdir()
            for name in (GRAPH, WEIGHTS):
                (Path(folder) / name).rename(artifact / name)
        files.create(artifact / SHAPES, json.dumps([list(each.shape) for each in outputs]))

    def prepare(self, network: "torch.nn.Module", inputs: "Inputs", place: Place, artifact: Path | None) -> Call:
        """Return a callable that runs an extractor on inputs that are filled once."""
        from benchcli.backends.flat_call import FlatCall

        assert artifact  # noqa: S101
        net = self._loaded(artifact, place.threads)
        return _call(net, FlatCall(network, inputs).given, json.loads((artifact / SHAPES).read_text(encoding="utf-8")))

    def _loaded(self, artifact: Path, threads: int) -> Any:
        import ncnn

        net = ncnn.Net()
        options = net.opt
        options.num_threads, options.use_vulkan_compute = threads, False
        options.use_packing_layout = self.option != "unpacked"
        options.use_fp16_packed = options.use_fp16_storage = options.use_fp16_arithmetic = False
        options.use_bf16_storage = self.option == "bf16"
        POOLS.append((ncnn.UnlockedPoolAllocator(), ncnn.PoolAllocator()))
        options.blob_allocator, options.workspace_allocator = POOLS[-1]
        if net.load_param(str(artifact / GRAPH)) or net.load_model(str(artifact / WEIGHTS)):
            raise NotImplementedError("ncnn cannot load what pnnx has made of it")
        return net


def _described(tensor: "torch.Tensor") -> str:
    """Return an input's shape and type as pnnx takes them. Raises NotImplementedError for what ncnn lacks."""
    dtype = str(tensor.dtype).removeprefix("torch.")
    if dtype not in TYPES:
        raise NotImplementedError(f"ncnn takes no inputs of {dtype}: only {', '.join(TYPES)}")
    if tensor.dim() > 1 and tensor.shape[0] > 1:
        raise NotImplementedError(f"ncnn takes one input at a time: give {given('batch', '1')}")
    return f"[{','.join(map(str, tensor.shape))}]{TYPES[dtype]}"


def _refuse_dtypes(network: "torch.nn.Module", outputs: "Sequence[torch.Tensor]") -> None:
    """Raise NotImplementedError for numbers that ncnn would have in another dtype."""
    for what, tensors in (("computes", network.parameters()), ("has outputs", outputs)):
        for each in tensors:
            dtype = str(each.dtype).removeprefix("torch.")
            if dtype != "float32" and (each.is_floating_point() or what == "has outputs"):
                raise NotImplementedError(f"ncnn {what} in float32 here, and not in {dtype}")


def _convert(folder: Path, shapes: str) -> None:
    """Let pnnx convert `model.pt`. Raises NotImplementedError if it cannot, or if ncnn lacks a layer."""
    origin = getattr(find_spec("pnnx"), "origin", None)
    assert origin  # noqa: S101  `missing` was asked
    command = [str(Path(origin).with_name("pnnx")), "model.pt", f"inputshape={shapes}", "fp16=0"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, errors="replace", check=False)
    if done.returncode or not all((folder / name).exists() for name in (GRAPH, WEIGHTS)):
        said = (done.stderr.strip() or done.stdout.strip() or f"exit code {done.returncode}").splitlines()[-1]
        raise NotImplementedError(f"pnnx cannot convert it: {said}")
    layers = (folder / GRAPH).read_text(encoding="utf-8").splitlines()[HEADER:]
    kinds = dict.fromkeys(layer.split()[0] for layer in layers)
    if foreign := [kind for kind in kinds if "." in kind or ":" in kind]:
        raise NotImplementedError(f"ncnn has no layer for {', '.join(foreign)}")


def _call(net: Any, given: Sequence["torch.Tensor"], shapes: Sequence[Sequence[int]]) -> Call:
    """Return a call that gives the inputs to an extractor, and views of its outputs in the shapes that torch has."""
    import ncnn
    import numpy
    import torch

    arrays = [_as_ncnn_has_it(each) for each in given]
    mats = [ncnn.Mat(each).clone() for each in arrays]  # in memory that is aligned as ncnn wants it
    pairs = [(f"in{number}", mat) for number, mat in enumerate(mats)]
    outputs = [(f"out{number}", tuple(shape)) for number, shape in enumerate(shapes)]
    # An input that nothing reads is an output of the graph too.
    if {name for name, _ in pairs} != set(net.input_names()) or {name for name, _ in outputs} - set(net.output_names()):
        raise NotImplementedError("the graph of pnnx has other inputs and outputs than the network")

    def call() -> tuple[torch.Tensor, ...]:
        extractor = net.create_extractor()
        for name, mat in pairs:
            extractor.input(name, mat)
        blobs = [(extractor.extract(name)[1], shape) for name, shape in outputs]
        return tuple(torch.from_numpy(numpy.asarray(blob)).reshape(shape) for blob, shape in blobs)

    return call


def _as_ncnn_has_it(tensor: "torch.Tensor") -> Any:
    """Return an input without the dimension of the batch, and whole numbers with 32 bits."""
    import torch

    numbers = tensor if tensor.is_floating_point() else tensor.to(torch.int32)
    return (numbers[0] if numbers.dim() > 1 else numbers).numpy()


RUNTIMES.add(Ncnn())
