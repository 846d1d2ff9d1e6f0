"""What a CUDA card tells, and why it cannot be used; held against stand-ins for torch's own."""

from types import SimpleNamespace

import pytest
import torch

from benchcli.backends.devices import nvml
from benchcli.backends.devices.base import DEVICES, PEAK_FLOAT32, Readings
from benchcli.backends.devices.gpu_profiler import hash_of
from tests.backends.test_devices import accelerator

CUDA = DEVICES["cuda"]


@pytest.fixture
def card(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """An H100 that torch sees and that works."""
    properties = SimpleNamespace(
        name="H100",
        major=9,
        minor=0,
        multi_processor_count=132,
        total_memory=80 * 2**30,
        uuid="abc",
        L2_cache_size=50 * 2**20,
        clock_rate=1_980_000,
    )
    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _index: properties)
    monkeypatch.setattr(nvml, "card", lambda _uuid: None)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(torch.cuda, "get_allocator_backend", lambda: "native")
    monkeypatch.setattr(torch, "zeros", lambda *_size, **_options: torch.ones(1))
    for name in ("CUDA_VISIBLE_DEVICES", "CUDA_LAUNCH_BLOCKING"):
        monkeypatch.delenv(name, raising=False)
    accelerator(monkeypatch, "cuda")
    return properties


def test_a_card_tells_what_decides_its_kernels_and_their_time(
    monkeypatch: pytest.MonkeyPatch, card: SimpleNamespace
) -> None:
    monkeypatch.setenv("PYTORCH_CUDA_ALLOC_CONF", "expandable_segments:True")
    facts = CUDA.facts(0)
    assert facts["card"] == "H100"
    assert facts["capability"] == "9.0"
    assert {"cuda", "hip", "cudnn", "tf32", "cudnn_benchmark", "driver", *nvml.FACTS} <= set(facts)
    assert facts["memory_allocator"] == "native PYTORCH_CUDA_ALLOC_CONF=expandable_segments:True"
    assert facts[PEAK_FLOAT32] == pytest.approx(66.9e12, rel=0.01)  # as NVIDIA's data sheet of the H100 SXM
    assert CUDA.cache_bytes(0) == 50 * 2**20  # type: ignore[attr-defined]
    assert CUDA.health(0) is None
    assert CUDA.readings(0) == Readings()


@pytest.mark.parametrize(
    ("major", "minor", "processors", "clock_khz", "teraflops"),
    [
        (7, 0, 80, 1_530_000, 15.7),
        (8, 0, 108, 1_410_000, 19.5),
        (8, 6, 82, 1_695_000, 35.6),
        (8, 9, 128, 2_520_000, 82.6),
    ],
    ids=["V100", "A100", "RTX 3090", "RTX 4090"],
)
def test_the_rate_in_float32_is_that_of_the_data_sheets(
    card: SimpleNamespace, major: int, minor: int, processors: int, clock_khz: int, teraflops: float
) -> None:
    vars(card).update(major=major, minor=minor, multi_processor_count=processors, clock_rate=clock_khz)
    assert CUDA.facts(0)[PEAK_FLOAT32] == pytest.approx(teraflops * 1e12, rel=0.01)


def test_an_unknown_card_has_no_known_rate(card: SimpleNamespace) -> None:
    card.major = 99
    assert CUDA.facts(0)[PEAK_FLOAT32] is None


def test_a_working_card_is_not_missing(card: SimpleNamespace) -> None:
    assert CUDA.missing(0) is None


@pytest.mark.parametrize(
    ("error", "way_out"),
    [
        ("CUDA error: CUDA-capable device(s) is/are busy or unavailable\nCUDA kernel errors", "another process has it"),
        ("CUDA error: no kernel image is available for execution on the device", "install another build"),
        ("CUDA error: out of memory", "end those that nvidia-smi lists"),
    ],
)
def test_a_card_that_can_run_nothing_is_missing_in_one_line(
    monkeypatch: pytest.MonkeyPatch, card: SimpleNamespace, error: str, way_out: str
) -> None:
    def fails(*_size: int, **_options: object) -> torch.Tensor:
        raise RuntimeError(error)

    monkeypatch.setattr(torch, "zeros", fails)
    missing = str(CUDA.missing(0))
    assert missing.startswith("it can run nothing: CUDA error")
    assert way_out in missing
    assert "\n" not in missing


def test_waiting_for_each_kernel_is_refused(monkeypatch: pytest.MonkeyPatch, card: SimpleNamespace) -> None:
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "0")
    assert CUDA.missing(0) is None
    monkeypatch.setenv("CUDA_LAUNCH_BLOCKING", "1")
    assert str(CUDA.missing(0)).endswith("the host is timed: unset it")


@pytest.mark.parametrize("visible", ["", "GPU-00000000-1111-2222-3333-444444444444", "7"])
def test_hidden_cards_are_explained(monkeypatch: pytest.MonkeyPatch, card: SimpleNamespace, visible: str) -> None:
    accelerator(monkeypatch, None)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", visible)
    assert f"CUDA_VISIBLE_DEVICES is {visible!r}: unset it" in str(CUDA.missing(0))


def test_a_number_beyond_the_visible_cards_is_explained(monkeypatch: pytest.MonkeyPatch, card: SimpleNamespace) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3")
    assert CUDA.missing(1) == "there are 1 cuda devices, numbered from 0; CUDA_VISIBLE_DEVICES is '3'"


def test_a_driver_that_is_too_old_is_named(monkeypatch: pytest.MonkeyPatch, card: SimpleNamespace) -> None:
    def fails() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).\nUpdate it")

    accelerator(monkeypatch, None)
    monkeypatch.setattr(torch.cuda, "init", fails)
    missing = str(CUDA.missing(0))
    assert "too old (found version 11040)" in missing
    assert "install a torch for an older CUDA" in missing
    assert "\n" not in missing


def test_a_torch_without_cuda_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator(monkeypatch, None)
    monkeypatch.setattr(torch.version, "cuda", None)
    monkeypatch.setattr(torch.version, "hip", None)
    assert "built without CUDA" in str(CUDA.missing(0))


def test_kernels_are_told_apart_by_their_names_in_their_order() -> None:
    def event(name: str, kind: str = "CUDA") -> SimpleNamespace:
        return SimpleNamespace(name=name, device_type=SimpleNamespace(name=kind))

    one = [event("implicit_gemm"), event("cudaLaunchKernel", "CPU"), event("Memset (Device)"), event("relu")]
    assert hash_of(one) == hash_of([event("implicit_gemm"), event("relu")])
    assert hash_of(one) != hash_of([event("winograd"), event("relu")])
    assert hash_of([event("cudaLaunchKernel", "CPU")]) is None


def test_a_tracer_that_may_not_count_tells_no_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    from benchcli.backends.devices import gpu_profiler

    def refused(*_arguments: object) -> str:
        raise RuntimeError("CUPTI_ERROR_INSUFFICIENT_PRIVILEGES")

    monkeypatch.setattr(gpu_profiler, "kernels", refused)
    assert CUDA.kernels(lambda: None, 0) is None
    assert CUDA.chooses_kernels
