"""ONNX Runtime on GPUs, without one: the providers that it asks for, what is missing, and where memory is bound."""

from importlib.machinery import ModuleSpec
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import torch

from benchcli.backends.devices.base import DEVICES
from benchcli.backends.runtimes import base, onnxruntime
from benchcli.backends.runtimes.base import Place, runtime_named
from benchcli.cost.inputs import Inputs

CUDA, CPU = DEVICES["cuda"], DEVICES["cpu"]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, *providers: str) -> None:
    """Pretend that an ONNX Runtime with the libraries of these providers is all that is installed."""
    (folder / "capi").mkdir()
    for each in providers:
        (folder / "capi" / f"libonnxruntime_providers_{each}.so").touch()
    spec = ModuleSpec("onnxruntime", None, is_package=True)
    spec.submodule_search_locations = [str(folder)]
    monkeypatch.setattr(onnxruntime, "find_spec", lambda _: spec)
    monkeypatch.setattr(onnxruntime.OnnxRuntime, "lacking", [])


@pytest.mark.parametrize(
    ("name", "device", "providers", "why_not"),
    [
        ("onnxruntime", CPU, (), ""),
        ("onnxruntime", CUDA, ("cuda",), ""),
        ("onnxruntime:tensorrt", CUDA, ("cuda", "tensorrt"), ""),
        ("onnxruntime", CUDA, (), "has no CUDAExecutionProvider: pip install onnxruntime-gpu in place of onnxruntime"),
        ("onnxruntime:tensorrt", CUDA, ("cuda",), "has no TensorrtExecutionProvider"),
        ("onnxruntime:tensorrt", CPU, ("tensorrt",), "runs on CUDA devices alone: give --device cuda"),
        ("onnxruntime", DEVICES["mps"], (), "runs here on the devices cpu and cuda alone: leave --device mps out"),
    ],
    ids=["cpu", "cuda", "tensorrt", "no-cuda", "no-tensorrt", "tensorrt-on-cpu", "mps"],
)
def test_what_is_missing_is_told_before_anything_is_imported(
    name: str,
    device: Any,
    providers: tuple[str, ...],
    why_not: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    install(tmp_path, monkeypatch, *providers)
    found = runtime_named(name).missing(device)
    assert (found is None) == (not why_not)
    assert why_not in (found or "")


def test_the_package_for_gpus_has_its_version(monkeypatch: pytest.MonkeyPatch) -> None:
    versions = {"onnxruntime-gpu": "1.99"}
    for module in (onnxruntime, base):
        monkeypatch.setattr(module, "version_of", lambda name: versions.get(name, "unknown"))
    assert runtime_named("onnxruntime").installed_versions["onnxruntime"] == "1.99"


def test_the_provider_of_the_device_is_asked_for_first_and_computes_in_float32() -> None:
    assert [name for name, _ in onnxruntime.providers_of(Place(CPU), "tensorrt")] == ["CPUExecutionProvider"]
    by_cuda = onnxruntime.providers_of(Place(CUDA, 1), "")
    assert by_cuda == [("CUDAExecutionProvider", {"device_id": "1", "use_tf32": "0"}), ("CPUExecutionProvider", {})]
    by_tensorrt = onnxruntime.providers_of(Place(CUDA, 1), "tensorrt")
    assert by_tensorrt == [("TensorrtExecutionProvider", {"device_id": "1"}), *by_cuda]


class Session:
    """Notes what is bound."""

    def __init__(self) -> None:
        self.bound: list[tuple[Any, ...]] = []

    def get_inputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="x", type="tensor(float)")]

    def get_outputs(self) -> list[SimpleNamespace]:
        return [SimpleNamespace(name="y", type="tensor(int64)")]

    def io_binding(self) -> SimpleNamespace:
        values = [SimpleNamespace(shape=lambda: [2, 3])]
        return SimpleNamespace(bind_input=self._bind, bind_output=self._bind, get_outputs=lambda: values)

    def _bind(self, *of: Any) -> None:
        self.bound.append(of)

    def run_with_iobinding(self, _: object) -> None:
        self.bound.append(("ran",))


def test_memory_is_bound_where_the_inputs_are() -> None:
    session = Session()
    call = onnxruntime.bound(session, [torch.empty(1, 4, device="meta")])
    (output,) = call()
    assert (output.device.type, output.dtype, tuple(output.shape)) == ("meta", torch.int64, (2, 3))
    x, unshaped, _, y, _ = session.bound
    assert x[:3] == ("x", "meta", 0)
    assert x[4] == (1, 4)
    assert unshaped == ("y", "meta", 0)
    assert y[:3] == ("y", "meta", 0)
    assert y[4] == (2, 3)


def test_a_gpu_has_no_profile_of_nodes(tmp_path: Path) -> None:
    with pytest.raises(NotImplementedError, match="how long a GPU's kernels are queued"):
        runtime_named("onnxruntime").profiler(torch.nn.ReLU(), Inputs(()), Place(CUDA), tmp_path)
