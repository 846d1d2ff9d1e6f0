"""NVIDIA's management library, held against stand-ins for several drivers."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from benchcli.backends.devices import nvml
from benchcli.backends.devices.base import Health, Readings


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    nvml._card.cache_clear()
    yield
    nvml._card.cache_clear()


class UnsupportedError(Exception):
    """What the library raises for a query that the driver or the card does not know."""


class ManagementLibrary:
    """Stands in for NVIDIA's: answers by the names of its functions, and errors for the rest."""

    NVML_CLOCK_SM = 1

    def __init__(self, **answers: object) -> None:
        self.answers = {"nvmlDeviceGetHandleByUUID": "GPU-abc", **answers}

    def __getattr__(self, name: str) -> object:
        def function(*arguments: object) -> object:
            if name not in self.answers or (name.endswith("ByUUID") and arguments != (self.answers[name],)):
                raise UnsupportedError
            return self.answers[name]

        return function


DEFAULT = {"nvmlDeviceGetClockInfo": 1410, "nvmlDeviceGetDefaultApplicationsClock": 1980}
EVENTS, THROTTLE = (f"nvmlDeviceGetCurrentClocks{name}Reasons" for name in ("Event", "Throttle"))


def installed(monkeypatch: pytest.MonkeyPatch, **answers: object) -> nvml.Card:
    library = ManagementLibrary(**answers)
    monkeypatch.setattr(nvml, "library", lambda: library)
    card = nvml.card("abc")
    assert card
    return card


@pytest.mark.parametrize("name", [EVENTS, THROTTLE], ids=["driver 535", "older driver"])
@pytest.mark.parametrize(
    ("mask", "reasons", "capped"),
    [
        (0x1, (), False),
        (0x0, (), False),
        (0x4, (), True),
        (0x24, ("thermal (software)",), True),
        (0xC8, ("hardware slowdown", "thermal (hardware)", "power brake"), False),
    ],
)
def test_reasons_are_told_under_the_names_of_each_driver_and_a_cap_is_none(
    monkeypatch: pytest.MonkeyPatch, name: str, mask: int, reasons: tuple[str, ...], capped: bool
) -> None:
    card = installed(monkeypatch, **DEFAULT, **{name: mask})
    assert card.health() == Health(1.41e9, reasons, 1.98e9, capped)


def test_what_a_driver_does_not_tell_is_unknown_and_not_never(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed(monkeypatch).health() == Health(None, None, None, None)
    assert installed(monkeypatch).readings() == Readings()
    assert set(installed(monkeypatch).facts().values()) == {None}


def test_a_card_without_a_default_clock_has_its_highest(monkeypatch: pytest.MonkeyPatch) -> None:
    assert installed(monkeypatch, nvmlDeviceGetMaxClockInfo=3105).health().default_clock_hz == 3.105e9


def test_readings_and_settings_of_a_card(monkeypatch: pytest.MonkeyPatch) -> None:
    processes = [SimpleNamespace(pid=os.getpid()), SimpleNamespace(pid=-1)]
    card = installed(
        monkeypatch,
        nvmlDeviceGetTemperature=61,
        nvmlDeviceGetPowerUsage=250_500,
        nvmlDeviceGetUtilizationRates=SimpleNamespace(gpu=97),
        nvmlDeviceGetComputeRunningProcesses=processes,
        nvmlDeviceGetPowerManagementLimit=350_000,
        nvmlDeviceGetEccMode=(1, 1),
        nvmlDeviceGetMigMode=(0, 0),
        nvmlDeviceGetMaxClockInfo=1980,
    )
    assert card.readings() == Readings(61.0, 250.5, 0.97, other_processes=1)
    assert card.facts() == {
        "power_limit_w": 350.0,
        "ecc": True,
        "mig": False,
        "default_clock_hz": 1.98e9,
        "most_clock_hz": 1.98e9,
    }


def test_an_instance_of_a_card_has_the_clock_of_the_card(monkeypatch: pytest.MonkeyPatch) -> None:
    card = installed(
        monkeypatch,
        nvmlDeviceGetHandleByUUID="MIG-abc",
        nvmlDeviceGetDeviceHandleFromMigDeviceHandle="whole card",
    )
    assert (card.handle, card.whole) == ("MIG-abc", "whole card")


def test_without_the_library_nothing_is_known(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(nvml, "library", lambda: None)
    monkeypatch.setattr(nvml, "KERNEL_MODULE", tmp_path / "version")
    assert nvml.card("abc") is None
    assert nvml.driver() is None


def test_an_unknown_uuid_is_no_card(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(nvml, "library", ManagementLibrary)
    assert nvml.card("another") is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.161.07  Sat Feb 17", "535.161.07"),
        ("NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  550.54.14  Release", "550.54.14"),
        ("something else", None),
    ],
)
def test_the_driver_is_known_without_its_library(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, version: str | None
) -> None:
    monkeypatch.setattr(nvml, "library", lambda: None)
    monkeypatch.setattr(nvml, "KERNEL_MODULE", tmp_path / "version")
    (tmp_path / "version").write_text(f"{text}\nGCC version: 12.3.0\n")
    assert nvml.driver() == version
    monkeypatch.setattr(nvml, "library", lambda: ManagementLibrary(nvmlSystemGetDriverVersion="580.1"))
    assert nvml.driver() == "580.1"
