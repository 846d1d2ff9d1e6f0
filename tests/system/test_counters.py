import mmap
import os
import time
from importlib.util import find_spec
from pathlib import Path
from typing import NamedTuple

import psutil
import pytest

from benchcli.system import counters
from benchcli.system.counters import Counters, between, look, unseen


def test_work_between_two_looks_is_seen_and_laid_on_this_process() -> None:
    start = look()
    while time.process_time() - (start.cpu_s or 0.0) < 0.2:
        sum(range(1000))
    found = between(3, start, look(), 1e-7)
    assert found.launch == 3
    assert found.cpu_s is not None
    assert found.cpu_s >= 0.2
    assert found.wall_s >= found.cpu_s * 0.5
    # What this process did is not laid on others.
    assert found.busy_cores is None or found.busy_cores < (found.cores or 1) + 0.5


@pytest.mark.skipif(find_spec("resource") is None, reason="this system counts no faults")
def test_faults_between_two_looks_are_counted() -> None:
    start = look()
    with mmap.mmap(-1, 64 * 2**20) as held:  # fresh pages, which a heap may not give
        held.write(b"1" * len(held))
        found = between(0, start, look(), 0.0)
    assert found.minor_faults is not None
    assert found.minor_faults > 10  # however large the pages are


def test_only_the_cores_that_this_process_may_use_count(monkeypatch: pytest.MonkeyPatch) -> None:
    class Core(NamedTuple):
        user: float
        idle: float
        steal: float

    monkeypatch.setattr(psutil, "cpu_times", lambda percpu: [Core(1, 9, 0.5), Core(70, 9, 0.5), Core(4, 9, 0.25)])
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 2, 77}, raising=False)
    seen = look()
    assert (seen.busy_s, seen.steal_s, seen.cores) == (5.0, 0.75, 2)


def test_differences_are_told_per_second_of_the_wall() -> None:
    start = Counters(wall_s=10.0, cpu_s=1.0, busy_s=100.0, steal_s=5.0, waiting_s=1.0, throttled_s=2.0, major_faults=7)
    end = Counters(wall_s=12.0, cpu_s=2.5, busy_s=103.5, steal_s=5.5, waiting_s=1.5, throttled_s=2.25, major_faults=9)
    found = between(0, start, end, 0.0)
    assert found.busy_cores == 1.0  # 3.5 s of work, of which 1.5 are this process's, in 2 s
    assert found.steal_cores == 0.25
    assert found.pressure == 0.25
    assert found.throttled_s == 0.25
    assert found.major_faults == 2
    assert found.minor_faults is None


def test_a_clock_that_jumped_back_divides_by_nothing() -> None:
    assert between(0, Counters(wall_s=5.0, steal_s=0.0), Counters(wall_s=3.0, steal_s=0.0), 0.0).steal_cores == 0.0


def test_a_machine_that_tells_nothing_is_watched_all_the_same(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_args: object, **_options: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(counters, "resource", None)
    monkeypatch.setattr(psutil, "cpu_times", refused)
    monkeypatch.setattr(psutil, "cpu_freq", refused)
    monkeypatch.setattr(os, "getloadavg", refused)
    blind = look(tmp_path)
    assert set(unseen(blind)) == set(counters.WORDS.values())
    found = between(0, blind, look(tmp_path), 0.0)
    assert found.busy_cores is None
    assert found.wall_s > 0


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("some avg10=0.00 avg60=0.00 avg300=0.00 total=2500000\nfull avg10=0.00 total=1\n", 2.5),
        ("some avg10=0.00\n", None),
        ("some total=many\n", None),
        ("", None),
    ],
)
def test_pressure_is_read_where_the_kernel_tells_it(tmp_path: Path, text: str, seconds: float | None) -> None:
    (tmp_path / "proc/pressure").mkdir(parents=True)
    (tmp_path / "proc/pressure/cpu").write_text(text)
    assert counters.waiting_s(tmp_path) == seconds


def test_a_frequency_of_nothing_is_unknown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: [])
    assert counters.frequency_hz() is None


def test_the_fastest_cores_frequency_is_told_where_there_is_a_driver(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Core(NamedTuple):
        current: float

    monkeypatch.setattr(psutil, "LINUX", True)
    monkeypatch.setattr(psutil, "cpu_freq", lambda percpu: [Core(800.0), Core(3100.0)])
    assert counters.frequency_hz(tmp_path) is None
    (tmp_path / "sys/devices/system/cpu/cpu0/cpufreq").mkdir(parents=True)
    assert counters.frequency_hz(tmp_path) == 3.1e9
