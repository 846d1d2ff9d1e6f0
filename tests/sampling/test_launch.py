"""What a worker tells during a launch, on the fake device."""

from dataclasses import replace

import pytest

from benchcli.backends.devices.base import DEVICES, Elapsed
from benchcli.sampling.bench import Bench
from benchcli.sampling.launch import _still_right
from benchcli.schema import Target
from benchcli.schema.protocol import LAUNCH, Event, Failed, Sampled, Started, Task, Watched
from benchcli.workers.worker import do
from tests.values import COSTS, family, variant

pytestmark = pytest.mark.usefixtures("worker_threads")
OF = family(*(replace(variant(name, "fine"), builder="tests.faulty:build") for name in ("one", "other")))
COUNTED = {OF.name: {each.name: COSTS for each in OF.variants}}


def told(device: str) -> list[Event]:
    events: list[Event] = []
    do(Task(LAUNCH, Target(device), (OF,), COUNTED, seconds=0.0, rounds=1), events.append)
    return events


def test_kernels_are_traced_after_all_samples(monkeypatch: pytest.MonkeyPatch) -> None:
    traced: list[int] = []
    events: list[Event] = []

    def kernels(_call: object, _index: int) -> str:
        traced.append(len(events))
        return "f00"

    monkeypatch.setattr(DEVICES["fake"], "kernels", kernels)
    do(Task(LAUNCH, Target("fake"), (OF,), COUNTED, seconds=0.0, rounds=1), events.append)
    last = max(number for number, event in enumerate(events) if isinstance(event, Sampled))
    assert min(traced) > last
    (watched,) = (event for event in events if isinstance(event, Watched))
    assert watched.conditions.kernels == {each.name: "f00" for each in OF.variants}


def test_a_cpu_has_one_way_to_compute() -> None:
    (watched,) = (event for event in told("cpu") if isinstance(event, Watched))
    assert watched.conditions.kernels == {}
    assert watched.conditions.temperature_c is None


def test_a_worker_gives_signs_of_life_while_it_builds() -> None:
    """A library's search for algorithms can take longer than the allowed silence, network by network."""
    names = [event.variant for event in told("fake") if isinstance(event, Started)]
    for name in set(names):
        building = names[: names.index(name) + 5]
        assert building.count(name) >= 4


@pytest.mark.parametrize("sticks", [True, False])
def test_an_error_after_the_samples_ends_the_worker_where_it_sticks(
    monkeypatch: pytest.MonkeyPatch, sticks: bool
) -> None:
    def fails() -> None:
        raise RuntimeError("device-side assert")

    device, sent = DEVICES["fake"], list[Event]()
    monkeypatch.setattr(type(device), "errors_stick", sticks)
    benches = {
        ("mine", name): Bench(lambda: None, lambda _: Elapsed(1.0), check=check)
        for name, check in (("bad", fails), ("good", lambda: None))
    }
    if sticks:
        with pytest.raises(RuntimeError, match="device-side assert"):
            _still_right(benches, device, sent.append)
    else:
        assert list(_still_right(benches, device, sent.append)) == [("mine", "good")]
    (failed,) = sent
    assert isinstance(failed, Failed)
    assert (failed.family, failed.variant, failed.status) == ("mine", "bad", "failed")
    assert failed.error.startswith("RuntimeError: device-side assert")
