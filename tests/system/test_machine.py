from dataclasses import replace
from pathlib import Path

import pytest

from benchcli.system import machine


def test_the_digest_depends_on_what_decides_a_time_and_on_nothing_else() -> None:
    facts = machine.machine()
    digest = machine.digest(facts, {"torch": "2.13.0"})
    assert digest == machine.digest(replace(facts, host="elsewhere", memory_bytes=1), {"torch": "2.13.0"})
    assert digest != machine.digest(facts, {"torch": "2.14.0"})
    assert digest != machine.digest(replace(facts, cpu="another"), {"torch": "2.13.0"})


def test_the_host_is_fit_for_a_files_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("socket.gethostname", lambda: "My Laptop's.local")
    assert machine.host() == "my-laptop-s"
    monkeypatch.setattr("socket.gethostname", lambda: "")
    assert machine.host() == "host"


def test_a_tenth_of_a_core_is_still_a_core(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "quota_cores", lambda: 0.1)
    assert machine.usable_cores() == 1


def test_without_proc_the_machine_is_still_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "lines", lambda _path: [])
    facts = machine.machine()
    assert facts.cpu
    assert facts.virtualised is None
    assert facts.cores
    assert facts.cores >= 1


@pytest.mark.parametrize(
    ("threads", "levels"),
    [
        (1, {"L1": 48 * 2**10, "L2": 2 * 2**20, "L3": 32 * 2**20}),
        (2, {"L1": 96 * 2**10, "L2": 4 * 2**20, "L3": 32 * 2**20}),
        (6, {"L1": 288 * 2**10, "L2": 12 * 2**20, "L3": 64 * 2**20}),
    ],
)
def test_private_caches_count_once_for_each_thread(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, threads: int, levels: dict[str, int]
) -> None:
    """Four cores of two hardware threads share an L3."""
    cpu = tmp_path / "cpu/cpu0"
    caches = [("1", "Data", "48K", "0-1"), ("1", "Instruction", "32K", "0-1"), ("2", "Unified", "2048K", "0-1")]
    for number, facts in enumerate([*caches, ("3", "Unified", "32M", "0-7")]):
        folder = cpu / f"cache/index{number}"
        folder.mkdir(parents=True)
        for name, fact in zip(("level", "type", "size", "shared_cpu_list"), facts, strict=True):
            (folder / name).write_text(f"{fact}\n")
    (cpu / "topology").mkdir()
    (cpu / "topology/thread_siblings_list").write_text("0-1\n")
    monkeypatch.setattr(machine, "SYSTEM", tmp_path)
    assert machine.cache_levels(threads) == levels
    assert machine.caches() == {"L1d": "48K", "L1i": "32K", "L2": "2048K", "L3": "32M"}
    assert machine.last_cache_bytes() == 32 * 2**20


def test_without_a_report_of_caches_there_is_no_level(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "SYSTEM", tmp_path)
    assert machine.cache_levels(1) == {}
    assert machine.last_cache_bytes() is None
