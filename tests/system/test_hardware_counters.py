"""The processor's counters: read where they are, and otherwise the reason why they are not."""

import errno
import os
import platform
import struct
import sys
from collections.abc import Iterator

import pytest

from benchcli.schema import HardwareCounts
from benchcli.system.hardware_counters import EVENTS, HARDWARE, _threads, counted, open_counter

needs_linux = pytest.mark.skipif(sys.platform != "linux", reason="perf_event_open is Linux's")


class Counter:
    """Counters of pipes: each reading is 100 times its event's number more than the one before."""

    def __init__(self, refused: dict[int, int]) -> None:
        self.refused = refused
        self.opened: list[int] = []

    def open(self, kind: int, number: int, thread: int) -> int:
        assert kind == HARDWARE
        assert thread in _threads()
        if number in self.refused:
            raise OSError(self.refused[number], "refused")
        reader, writer = os.pipe()
        os.write(writer, struct.pack("=QQ", 7, 7 + 100 * number))
        os.close(writer)
        self.opened.append(reader)
        return reader

    def left_open(self) -> Iterator[int]:
        for each in self.opened:
            try:
                os.fstat(each)
            except OSError:
                continue
            yield each


@needs_linux
@pytest.mark.parametrize(
    ("refused", "found"),
    [
        ({}, HardwareCounts(10.0, 0.0, 30.0)),
        ({EVENTS["cache_misses"]: errno.ENOENT}, HardwareCounts(10.0, 0.0, None)),
        (dict.fromkeys(EVENTS.values(), errno.ENOENT), "absent"),
        (dict.fromkeys(EVENTS.values(), errno.ENOSYS), "absent"),
        (dict.fromkeys(EVENTS.values(), errno.EACCES), "refused"),
        (dict.fromkeys(EVENTS.values(), errno.EPERM), "refused"),
    ],
)
def test_counts_are_per_call_and_summed_over_threads(
    refused: dict[int, int], found: HardwareCounts | str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("benchcli.system.hardware_counters._threads", lambda: [os.getpid()])
    monkeypatch.setattr(sys.modules[__name__], "_threads", lambda: [os.getpid()])
    counter, calls = Counter(refused), []
    assert counted(lambda: calls.append(1), 10, counter.open) == found
    assert len(calls) == (10 if isinstance(found, HardwareCounts) else 0)
    assert list(counter.left_open()) == []


@needs_linux
def test_a_counter_of_the_system_counts_what_this_process_does() -> None:
    """Its own events need no processor that has counters: the layout of the call's arguments is right."""
    software, task_clock = 1, 1

    def open_(kind: int, number: int, thread: int) -> int:
        return open_counter(software, task_clock, thread)

    found = counted(lambda: sum(range(10_000)), 3, open_, {"cycles": task_clock})
    if not isinstance(found, HardwareCounts):
        pytest.skip(f"counters are {found} here")
    assert found.cycles is not None
    assert found.cycles > 0  # nanoseconds
    assert found.instructions is None


def test_other_systems_have_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    with pytest.raises(OSError, match="not implemented") as refused:
        open_counter(HARDWARE, 0, 0)
    assert refused.value.errno == errno.ENOSYS
