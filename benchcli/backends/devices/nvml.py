"""Queries to NVIDIA's management library (NVML): driver version, clock and throttle reasons.

They need `nvidia-ml-py` (the extra `nvidia`). Without it, or without the library, every query
returns None.
"""

import re
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

from benchcli.backends.devices.base import Health
from benchcli.system.procfs import lines

REASONS = {
    0x4: "power cap",
    0x8: "hardware slowdown",
    0x20: "thermal (software)",
    0x40: "thermal (hardware)",
    0x80: "power brake",
}
"""NVML's clock-event bits that mean throttling of a busy card; idling and user settings do not."""


@cache
def library() -> Any | None:
    """Return the initialised library, or None if it is not available."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # Its own errors, or OSError without a driver: it is not available.
        return None
    return pynvml


KERNEL_MODULE = Path("/proc/driver/nvidia/version")
"""What the kernel's module says of itself; it needs no library."""


def driver() -> str | None:
    """Return the driver's version, or None if it is unknown."""
    nvml = library()
    version = _try_query(nvml.nvmlSystemGetDriverVersion) if nvml else None
    first = next(iter(lines(KERNEL_MODULE)), "")
    found = re.search(r"Kernel Module.*?\b(\d+(?:\.\d+)+)", first)
    return version or (found[1] if found else None)


def health(uuid: str) -> Health | None:
    """Return the clock state of the card with this UUID, or None if it is unknown.

    A UUID, because NVML's numbers differ from torch's if cards are hidden from this process.
    """
    nvml = library()
    handle = _handle(uuid)
    if nvml is None or handle is None:
        return None
    clock_mhz = _try_query(lambda: nvml.nvmlDeviceGetClockInfo(handle, nvml.NVML_CLOCK_SM))
    mask = _try_query(lambda: nvml.nvmlDeviceGetCurrentClocksEventReasons(handle))
    return Health(clock_mhz * 1e6 if clock_mhz else None, reasons(mask or 0))


def reasons(mask: int) -> tuple[str, ...]:
    """Return the throttle reasons in NVML's bit mask."""
    return tuple(name for bit, name in REASONS.items() if mask & bit)


@cache
def _handle(uuid: str) -> Any | None:
    nvml = library()
    name = uuid if uuid.startswith(("GPU-", "MIG-")) else f"GPU-{uuid}"
    return _try_query(lambda: nvml.nvmlDeviceGetHandleByUUID(name)) if nvml else None


def _try_query(query: Callable[[], Any]) -> Any | None:
    """Return the result of a query, or None if it fails.

    Drivers and versions of the library support different queries.
    """
    try:
        return query()
    except Exception:  # Not NVMLError: the imported `pynvml` may be another package without it.
        return None
