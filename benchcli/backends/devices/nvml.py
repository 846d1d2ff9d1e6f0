"""Queries to NVIDIA's management library (NVML): driver, clocks, throttling, power and other use.

They need `nvidia-ml-py` (the extra `nvidia`). Without it, or without the library, every query
returns None.
"""

import os
import re
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

from benchcli.backends.devices.base import Facts, Health, Readings
from benchcli.system.procfs import lines

POWER_CAP = 0x4
REASONS = {
    0x8: "hardware slowdown",
    0x20: "thermal (software)",
    0x40: "thermal (hardware)",
    0x80: "power brake",
}
"""NVML's clock-event bits that mean throttling of a busy card; idling and user settings do not."""
FACTS = ("power_limit_w", "ecc", "mig", "default_clock_hz", "most_clock_hz")
KERNEL_MODULE = Path("/proc/driver/nvidia/version")
"""What the kernel's module says of itself; it needs no library."""


@cache
def library() -> Any | None:
    """Return the initialised library, or None if it is not available."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except Exception:  # Its own errors, or OSError without a driver: it is not available.
        return None
    return pynvml


def driver() -> str | None:
    """Return the driver's version, or None if it is unknown."""
    version = _asked(library(), ("nvmlSystemGetDriverVersion",))
    first = next(iter(lines(KERNEL_MODULE)), "")
    release = re.search(r"Kernel Module.*?\b(\d+(?:\.\d+)+)", first)
    return version or (release[1] if release else None)


@dataclass(frozen=True)
class Card:
    """One card, or one MIG instance of it."""

    nvml: Any
    handle: Any
    whole: Any
    """The handle of the card itself, which clocks and power belong to."""

    def facts(self) -> Facts:
        """Return the settings of the card that affect times: power limit, memory checks, partitions."""
        ecc, mig = (self._ask(name) for name in ("nvmlDeviceGetEccMode", "nvmlDeviceGetMigMode"))
        return {
            "power_limit_w": _scaled(self._ask("nvmlDeviceGetPowerManagementLimit"), 1e-3),
            "ecc": bool(ecc[0]) if ecc else None,
            "mig": bool(mig[0]) if mig else None,
            "default_clock_hz": self.default_clock_hz,
            "most_clock_hz": _scaled(self._ask("nvmlDeviceGetMaxClockInfo", self.nvml.NVML_CLOCK_SM), 1e6),
        }

    def health(self) -> Health:
        """Return the clock now, and what holds it down. Drivers before 535 have other names."""
        mask = self._ask_any("nvmlDeviceGetCurrentClocksEventReasons", "nvmlDeviceGetCurrentClocksThrottleReasons")
        return Health(
            _scaled(self._ask("nvmlDeviceGetClockInfo", self.nvml.NVML_CLOCK_SM), 1e6),
            None if mask is None else reasons(mask),
            self.default_clock_hz,
            None if mask is None else bool(mask & POWER_CAP),
        )

    def readings(self) -> Readings:
        """Return temperature, power, and the use by others."""
        used = self._ask("nvmlDeviceGetUtilizationRates")
        processes = _asked(
            self.nvml, ("nvmlDeviceGetComputeRunningProcesses", "nvmlDeviceGetComputeRunningProcesses_v3"), self.handle
        )
        return Readings(
            temperature_c=_scaled(self._ask("nvmlDeviceGetTemperature", 0), 1.0),
            power_w=_scaled(self._ask("nvmlDeviceGetPowerUsage"), 1e-3),
            utilisation=None if used is None else used.gpu / 100,
            other_processes=None if processes is None else sum(each.pid != os.getpid() for each in processes),
        )

    @cached_property
    def default_clock_hz(self) -> float | None:
        """The default clock; the highest one where a card has no other, as consumers' cards."""
        sm = self.nvml.NVML_CLOCK_SM
        default = self._ask("nvmlDeviceGetDefaultApplicationsClock", sm)
        return _scaled(default or self._ask("nvmlDeviceGetMaxClockInfo", sm), 1e6)

    def _ask(self, name: str, *arguments: object) -> Any | None:
        return _asked(self.nvml, (name,), self.whole, *arguments)

    def _ask_any(self, *names: str) -> Any | None:
        return _asked(self.nvml, names, self.whole)


def card(uuid: str) -> Card | None:
    """Return the card or MIG instance with this UUID, or None if it is unknown.

    A UUID, because NVML's numbers differ from torch's if cards are hidden from this process.
    """
    return _card(library(), uuid)


@cache
def _card(nvml: Any | None, uuid: str) -> Card | None:
    names = [uuid] if uuid.startswith(("GPU-", "MIG-")) else [f"GPU-{uuid}", f"MIG-{uuid}"]
    handles = (_asked(nvml, ("nvmlDeviceGetHandleByUUID",), name) for name in names)
    handle = next((each for each in handles if each is not None), None)
    if nvml is None or handle is None:
        return None
    card = _asked(nvml, ("nvmlDeviceGetDeviceHandleFromMigDeviceHandle",), handle)
    return Card(nvml, handle, handle if card is None else card)


def reasons(mask: int) -> tuple[str, ...]:
    """Return the throttle reasons in NVML's bit mask."""
    return tuple(name for bit, name in REASONS.items() if mask & bit)


def _scaled(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _asked(nvml: Any | None, names: tuple[str, ...], *arguments: object) -> Any | None:
    """Return the answer of the first of these functions that has one, or None.

    Drivers and versions of the library support different queries.
    """
    try:
        return getattr(nvml, names[0])(*arguments)
    except Exception:  # Not NVMLError: the imported `pynvml` may be another package without it.
        return _asked(nvml, names[1:], *arguments) if names[1:] else None
