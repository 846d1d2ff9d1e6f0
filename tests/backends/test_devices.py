"""The device backends; CUDA's and MPS's calls are held against stand-ins for torch's own."""

import gc
import weakref
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import replace

import pytest
import torch

from benchcli.backends.devices import fake as fake_device
from benchcli.backends.devices.base import DEVICES, Device, Elapsed, split_name
from benchcli.backends.devices.fake import BANDWIDTH, CLOCK_HZ, LAUNCH_S, PEAK, REPLAY_S, Fake
from benchcli.backends.runtimes.base import RUNTIMES, Place
from benchcli.cost.inputs import as_inputs
from benchcli.noise.device_watch import DeviceWatch
from benchcli.schema import Costs, Sample
from tests.conftest import in_process
from tests.values import COSTS, conditions


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
    assert timer(2).seconds == pytest.approx(0.012)
    # The first call leads, untimed. Waiting for an event can hang on Metal.
    assert log == ["drain", "call", "record", "call", "call", "record", "drain"]


def test_a_device_that_torch_does_not_see_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator(monkeypatch, None)
    assert "sees no cuda device" in str(DEVICES["cuda"].missing(0))
    accelerator(monkeypatch, "mps")
    assert "sees no cuda device" in str(DEVICES["cuda"].missing(0))
    assert DEVICES["mps"].missing(0) is None


def test_a_number_beyond_the_devices_is_missing(monkeypatch: pytest.MonkeyPatch) -> None:
    accelerator(monkeypatch, "mps", count=2)
    assert DEVICES["mps"].missing(1) is None
    assert DEVICES["mps"].missing(2) == "there are 2 mps devices, numbered from 0"


def test_cuda_computes_in_full_float32_and_searches_for_algorithms() -> None:
    program = (
        "import torch; from benchcli.backends.devices.base import DEVICES\n"
        "torch.accelerator.set_device_index = lambda index: print(index)\n"
        "DEVICES['cuda'].configure(1, 3)\n"
        "print(torch.backends.cudnn.benchmark, torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32)"
    )
    assert in_process("-c", program).stdout.split() == ["3", "True", "False", "False"]


class StandInGraph:
    """Records that it was replayed, as a CUDA graph that holds addresses and keeps nothing alive."""

    replays = 0

    def replay(self) -> None:
        self.replays += 1


class StandInStream:
    def wait_stream(self, _other: object) -> None:
        return None


def test_a_graph_keeps_the_network_and_the_input_that_it_reads(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[bool] = []

    @contextmanager
    def capturing(_graph: StandInGraph, check_input_liveness: bool = False) -> Iterator[None]:
        asked.append(check_input_liveness)
        yield

    monkeypatch.setattr(torch.cuda, "Stream", lambda _index: StandInStream())
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _index: StandInStream())
    monkeypatch.setattr(torch.cuda, "stream", nullcontext)
    monkeypatch.setattr(torch.cuda, "CUDAGraph", StandInGraph)
    monkeypatch.setattr(torch.cuda, "graph", capturing)
    network, inputs = torch.nn.Linear(3, 2), torch.ones(1, 3)
    kept = [weakref.ref(each) for each in (network, network.weight, inputs)]
    call = RUNTIMES["graph"].prepare(network, as_inputs(inputs), Place(DEVICES["cuda"]), None)
    del network, inputs
    gc.collect()
    assert all(each() is not None for each in kept)
    assert call() is call()
    assert call.graph.replays == 2  # type: ignore[attr-defined]
    assert asked == [True]
    del call
    gc.collect()
    assert all(each() is None for each in kept)


def test_cudas_own_peak_is_that_of_one_call(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[object] = []
    monkeypatch.setattr(torch.cuda, "reset_peak_memory_stats", lambda index: log.append(("reset", index)))
    monkeypatch.setattr(torch.cuda, "max_memory_allocated", lambda _index: 12)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda _index: log.append("drain"))
    assert DEVICES["cuda"].peak_bytes(lambda: log.append("call"), 1) == 12
    assert log == [("reset", 1), "call", "drain"]
    assert DEVICES["cpu"].peak_bytes(lambda: log.append("call"), 0) is None


def test_networks_share_the_memory_that_flushes_the_caches(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[int] = []

    def empty(size: int, **_options: object) -> torch.Tensor:
        made.append(size)
        return torch.zeros(1)

    monkeypatch.setattr(torch, "empty", empty)
    monkeypatch.setattr(DEVICES["mps"], "cache_bytes", lambda _index: 77)
    for _ in range(3):
        DEVICES["mps"].flusher(0)()  # type: ignore[attr-defined]
    assert made == [154]


def test_metals_events_are_coarse() -> None:
    assert DEVICES["mps"].resolution_s == 5e-5


LONG = replace(COSTS, flops=10**10)
"""A call of a fifth of a second on the fake device, beside which the host's work is nothing."""


def test_the_fake_clock_moves_by_the_additive_roofline_and_only_when_called() -> None:
    called: list[int] = []
    timer = Fake().timer(lambda: called.append(1), LONG, 0)  # type: ignore[arg-type,return-value]
    expected = 2 * LONG.flops / PEAK + LONG.mac_bytes / BANDWIDTH
    assert timer(10).seconds == pytest.approx(10 * expected)
    assert timer(1).seconds == pytest.approx(expected)
    assert called == []


def elapsed(costs: Costs, captured: bool = False, cold: bool = False, calls: int = 100) -> Elapsed:
    fake = Fake()
    call = fake.capture(lambda: None, 0) if captured else lambda: None  # type: ignore[arg-type,return-value]
    timer = fake.timer(call, costs, 0)  # type: ignore[arg-type]
    return (fake.cold_timer(call, costs, 0) if cold else timer)(calls)  # type: ignore[arg-type]


def test_a_device_that_waits_for_its_host_reads_the_hosts_time() -> None:
    short = elapsed(COSTS)
    assert short.host_seconds == pytest.approx(100 * LAUNCH_S)
    assert short.seconds == pytest.approx(100 * LAUNCH_S, rel=0.01)
    long = elapsed(LONG)
    assert long.host_seconds == pytest.approx(100 * LAUNCH_S)
    assert long.seconds == pytest.approx(100 * (2 * LONG.flops / PEAK + LONG.mac_bytes / BANDWIDTH))


def test_a_captured_call_is_launched_at_once() -> None:
    assert elapsed(COSTS, captured=True).host_seconds == pytest.approx(100 * REPLAY_S)


def test_cold_caches_cost_a_third_more_for_the_bytes_at_every_call() -> None:
    costs = replace(LONG, mac_bytes=10**9)
    more = elapsed(costs, cold=True, calls=4).seconds - elapsed(costs, calls=4).seconds
    assert more == pytest.approx(4 * costs.mac_bytes / BANDWIDTH / 3)


def test_a_flush_hides_the_hosts_time_and_is_not_timed() -> None:
    short = elapsed(COSTS, cold=True, calls=4)
    assert short.host_seconds == 0.0
    assert short.seconds == pytest.approx(4 * (2 * COSTS.flops / PEAK + 4 / 3 * COSTS.mac_bytes / BANDWIDTH))


def test_cold_calls_are_flushed_queued_and_waited_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []
    cuda = DEVICES["cuda"]
    monkeypatch.setattr(StandInEvent, "log", log, raising=False)
    monkeypatch.setattr(torch, "Event", StandInEvent)
    monkeypatch.setattr(torch.accelerator, "synchronize", lambda _index: log.append("drain"))
    monkeypatch.setattr(cuda, "flusher", lambda _index: lambda: log.append("flush"))
    monkeypatch.setattr(cuda, "host_clock", lambda: lambda: 0.0)
    timer = cuda.cold_timer(lambda: log.append("call"), COSTS, 0)  # type: ignore[arg-type,return-value]
    log.clear()  # it has timed a flush
    assert timer(2).seconds == pytest.approx(0.024)
    assert (log[0], log[-1]) == ("drain", "drain")
    marks = [place for place, what in enumerate(log) if what == "record"]
    for start, end in zip(marks[::2], marks[1::2], strict=True):
        assert log[start - 1] == "flush"
        assert log[start + 1 : end] == ["call"]  # and nothing else is timed


@pytest.mark.parametrize("launch_s", [2e-5, 1.2e-4, 9e-4, 1e-2], ids=["hidden", "three flushes", "many", "host-bound"])
@pytest.mark.parametrize("captured", [False, True], ids=["eager", "graph"])
def test_cold_calls_are_the_devices_own_or_host_bound(
    monkeypatch: pytest.MonkeyPatch, launch_s: float, captured: bool
) -> None:
    """Times of a real card: a flush of 40 us, a kernel of 5 us, and 20 us and more to queue it."""
    monkeypatch.setattr(fake_device, "LAUNCH_S", launch_s)
    monkeypatch.setattr(fake_device, "FLUSH_S", 4e-5)
    costs = replace(COSTS, flops=1, mac_bytes=int(5e-6 * BANDWIDTH * 3 / 4))
    found = elapsed(costs, captured=captured, cold=True, calls=20)
    sample = Sample("a", 0, 0, 20, found.seconds / 20, None, host_seconds=found.host_seconds)
    if launch_s == 1e-2 and not captured:
        assert sample.is_host_bound
    else:
        assert not sample.is_host_bound
        assert found.seconds / 20 == pytest.approx(5e-6, rel=0.02)


def test_a_device_that_gets_hot_says_so() -> None:
    fake = Fake()
    watch = DeviceWatch(fake, 0)
    assert not watch.is_throttled()
    fake.timer(lambda: None, replace(LONG, flops=10**14), 0)(1000)  # type: ignore[arg-type,return-value]
    assert watch.is_throttled()
    seen = watch.add_to(conditions())
    assert (seen.clock_hz, seen.clock_share, seen.throttle_reasons) == (CLOCK_HZ, 1.0, ("thermal (simulated)",))
    assert (seen.power_capped, seen.temperature_c, seen.power_w, seen.other_processes) == (0.0, 40.0, 100.0, 0)
    watch.forget()
    assert watch.add_to(conditions()).throttle_reasons == ()


def test_a_cpu_has_neither_graphs_nor_health_but_caches() -> None:
    cpu = DEVICES["cpu"]
    with pytest.raises(NotImplementedError, match="no graphs to capture"):
        cpu.capture(lambda: torch.zeros(1), 0)
    assert cpu.health(0) is None
    called: list[int] = []
    assert cpu.cold_timer(lambda: called.append(1), COSTS, 0)(3).seconds > 0  # type: ignore[arg-type,return-value]
    assert len(called) == 3


def test_a_capture_warms_up_on_a_side_stream_and_replays_what_it_recorded(monkeypatch: pytest.MonkeyPatch) -> None:
    log: list[str] = []

    class Stream:
        def __init__(self, _index: int = 0) -> None: ...

        def wait_stream(self, _other: object) -> None:
            log.append("wait")

    class Graph:
        def replay(self) -> None:
            log.append("replay")

    monkeypatch.setattr(torch.cuda, "Stream", Stream)
    monkeypatch.setattr(torch.cuda, "current_stream", lambda _index: Stream())
    monkeypatch.setattr(torch.cuda, "stream", lambda _stream: nullcontext())
    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda _graph: nullcontext())

    def call() -> torch.Tensor:
        log.append("call")
        return torch.ones(1)

    replay = DEVICES["cuda"].capture(call, 0)
    assert log.index("wait") < log.index("call")
    assert log[-1] == "call"  # the one that is recorded, when the side stream has warmed up
    last_wait = len(log) - log[::-1].index("wait")
    assert log[last_wait:] == ["call"]
    calls = log.count("call")
    assert replay().item() == 1
    assert (log[-1], log.count("call")) == ("replay", calls)


def test_an_event_that_was_not_recorded_has_no_time() -> None:
    fake = Fake()
    with pytest.raises(RuntimeError, match="must be recorded"):
        fake.event(0).elapsed_time(fake.event(0))


def test_the_cpu_timer_makes_the_calls_it_is_asked_for() -> None:
    called: list[int] = []
    seconds = DEVICES["cpu"].timer(lambda: called.append(1), COSTS, 0)(7).seconds  # type: ignore[arg-type,return-value]
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
@pytest.mark.parametrize("runtime", ["eager", "graph"])
def test_on_a_real_gpu_both_runtimes_compute_the_same(runtime: str) -> None:
    layer = torch.nn.Conv2d(64, 64, 3).cuda()
    inputs = torch.randn(8, 64, 112, 112, device="cuda")
    with torch.inference_mode():
        call = RUNTIMES[runtime].prepare(layer, as_inputs(inputs), Place(DEVICES["cuda"]), None)
        found = DEVICES["cuda"].timer(call, COSTS, 0)(20)
        assert torch.allclose(call(), layer(inputs), atol=1e-4)
    assert found.seconds > 0
