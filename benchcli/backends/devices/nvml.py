"""NVIDIA's management library: the driver's version, a card's clock, and what holds it down.

It is asked through `nvidia-ml-py` (the extra `nvidia`); without it, or without the library, nothing is known.
"""

from collections.abc import Callable
from functools import cache
from typing import Any

from benchcli.backends.devices.base import Health

REASONS = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "thermal (software)",
    0x40: "thermal (hardware)",
    0x80: "power brake",
}
"""The clock-event reasons that slow a busy card, as NVML numbers them; that it idles or obeys a setting is none."""


@cache
def library() -> Any | None:
    """Return the library, initialised, or None where it is not there."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # it raises errors of its own, and OSError where there is no driver: either way it is not there
        return None
    return pynvml


def driver() -> str | None:
    """Return the driver's version."""
    nvml = library()
    return _asked(nvml.nvmlSystemGetDriverVersion) if nvml else None


def health(uuid: str) -> Health | None:
    """Return how the card with this UUID fares. A number would do only where no card is hidden from this process."""
    nvml = library()
    handle = _handle(uuid)
    if nvml is None or handle is None:
        return None
    clock_mhz = _asked(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))
    mask = _asked(lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    return Health(clock_mhz * 1e6 if clock_mhz else None, reasons(mask or 0))


def reasons(mask: int) -> tuple[str, ...]:
    """Return the reasons in NVML's bit mask."""
    return tuple(name for bit, name in REASONS.items() if mask & bit)


@cache
def _handle(uuid: str) -> Any | None:
    nvml = library()
    name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
    return _asked(lambda: nvml.nvmlDeviceGetHandleByUUID(name)) if nvml else None


def _asked(question: Callable[[], Any]) -> Any | None:
    """Return the library's answer, or None: drivers and versions of the library differ in what they answer."""
    try:
        return question()
    except Exception:  # NVMLError is made by the library that was found, if it is the right one
        return None
