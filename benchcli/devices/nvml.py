"""NVIDIA's management library: the driver's version, a card's clock, and what holds it down.

It is asked through `nvidia-ml-py` (the extra `nvidia`); without it, or without the library, nothing is known.
"""

from functools import cache
from typing import Any

from benchcli.devices.base import Health

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
    return str(nvml.nvmlSystemGetDriverVersion()) if nvml else None


def health(uuid: str) -> Health | None:
    """Return how the card with this UUID fares. A number would do only where no card is hidden from this process."""
    nvml = library()
    handle = _handle(uuid)
    if nvml is None or handle is None:
        return None
    try:
        clock_hz = nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM) * 1e6
        mask = nvml.nvmlDeviceGetCurrentClocksEventReasons(handle)
    except nvml.NVMLError:
        return None
    return Health(clock_hz, reasons(mask))


def reasons(mask: int) -> tuple[str, ...]:
    """Return the reasons in NVML's bit mask."""
    return tuple(name for bit, name in REASONS.items() if mask & bit)


@cache
def _handle(uuid: str) -> Any | None:
    nvml = library()
    if nvml is None:
        return None
    try:
        return nvml.nvmlDeviceGetHandleByUUID(uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}")
    except nvml.NVMLError:
        return None
