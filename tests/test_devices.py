"""The device backends; CUDA's and MPS's calls are held against stand-ins for torch's own."""

import pytest
import torch

from benchcli.devices.base import DEVICES, Device, split_name
from benchcli.devices.fake import BANDWIDTH, PEAK, Fake
from tests.conftest import in_process
from tests.values import COSTS


class StandInEvent:
    """Notes what is done to events, in order."""

    log: list[str]

    def __init__(self, device: str, enable_timing: bool = False) -> None:
        assert enable_timing
        self.device = device

    def record(self) -> None:
        self.log.append("record")

    def synchronize(self) -> None:
        self.log.append("wait")

    def elapsed_time(self, end: "StandInEvent") -> float:
        assert end.device == self.device
        return 12.0


def accelerator(monkeypatch: pytest.MonkeyPatch, kind: str | None, count: int = 1) -> None:
    monkeypatch.setattr(torch.accelerator, "is_available", lambda: kind is not None)
    monkeypatch.setattr(torch.accelerator, "current_accelerator", lambda: torch.device(kind) if kind else None)
    monkeypatch.setattr(torch.accelerator, "device_count", lambda: count)


@pytest.mark.parametrize("name", ["cuda", "mps"])
def test_a_sample_lies_between_two_events_and_the_queue_is_drained_outside(
    monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    log: list[str] = []
    monkeypatch.setattr(StandInEvent, "log", log, raising=False)
    monkeypatch.setattr(torch, "Event", StandInEvent)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda _index: log.append("drain"))
    timer = DEVICES[name].timer(lambda: log.append("call"), COSTS, 0)  # type: ignore[arg-type,return-value]
    assert timer(2) == pytest.approx(0.012)
    assert log == ["drain", "record", "call", "call", "record", "wait"]


def test_a_device_that_torch_does_not_see_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator(monkeypatch, None)
    assert "sees no cuda device" in str(DEVICES["cuda"].missing(0))
    accelerator(monkeypatch, "mps")
    assert "sees no cuda device" in str(DEVICES["cuda"].missing(0))
    assert DEVICES["mps"].missing(0) is None


def test_a_number_beyond_the_devices_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator(monkeypatch, "cuda", count=2)
    assert DEVICES["cuda"].missing(1) is None
    assert DEVICES["cuda"].missing(2) == "there are 2 cuda devices, numbered from 0"


def test_cuda_computes_in_full_float32_and_searches_for_algorithms() -> None:
    program = (
        "import torch; from benchcli.devices.base import DEVICES\n"
        "torch.accelerator.set_device_index = lambda index: print(index)\n"
        "DEVICES['cuda'].configure(1, 3)\n"
        "print(torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)"
    )
    assert in_process("-c", program).stdout.split() == ["3", "True", "False", "False"]


def test_cuda_tells_the_card_and_what_decides_its_kernels(monkeypatch: pytest.MonkeyPatch) -> None:
    class Card:
        name, major, minor, multi_processor_count, total_memory = "H100", 9, 0, 132, 80 * 2**30

    monkeypatch.setattr(torch.cuda, "get_device_properties", lambda _index: Card)
    facts = DEVICES["cuda"].facts(0)
    assert facts["card"] == "H100"
    assert facts["capability"] == "9.0"
    assert {"cuda", "cudnn", "tf32", "cudnn_benchmark"} <= set(facts)


def test_the_fake_clock_moves_by_the_additive_roofline_and_only_when_called() -> None:
    called: list[int] = []
    timer = Fake().timer(lambda: called.append(1), COSTS, 0)  # type: ignore[arg-type,return-value]
    expected = 2 * COSTS.flops / PEAK + COSTS.mac_bytes / BANDWIDTH
    assert timer(10) == pytest.approx(10 * expected)
    assert timer(1) == pytest.approx(expected)
    assert called == []


def test_an_event_that_was_not_recorded_has_no_time() -> None:
    fake = Fake()
    with pytest.raises(RuntimeError, match="must be recorded"):
        fake.event(0).elapsed_time(fake.event(0))


def test_the_cpu_timer_makes_the_calls_it_is_asked_for() -> None:
    called: list[int] = []
    seconds = DEVICES["cpu"].timer(lambda: called.append(1), COSTS, 0)(7)  # type: ignore[arg-type,return-value]
    assert len(called) == 7
    assert seconds > 0


@pytest.mark.parametrize("device", list(DEVICES), ids=lambda device: device.name)
def test_every_device_says_what_it_is(device: Device) -> None:
    assert device.title
    assert device.column in {"arm", "gpu"}
    assert device.missing(99)


def test_a_name_may_carry_a_number() -> None:
    assert split_name("cuda") == ("cuda", 0)
    assert split_name("cuda:3") == ("cuda", 3)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device on this machine")
def test_on_a_real_gpu_ten_calls_take_about_ten_times_one() -> None:
    layer = torch.nn.Conv2d(64, 64, 3).cuda()
    inputs = torch.randn(8, 64, 112, 112, device="cuda")
    timer = DEVICES["cuda"].timer(lambda: layer(inputs), COSTS, 0)
    timer(50)
    assert timer(100) > 3 * timer(10)
