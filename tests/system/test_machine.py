from dataclasses import replace

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
