"""Watch an accelerator's clock, power and use by others while a worker samples."""

import math
from dataclasses import replace
from statistics import median

from benchcli.backends.devices.base import Device, Health
from benchcli.noise.pace import PATIENCE_S, PATIENCE_SHARE, Pace
from benchcli.schema import Conditions


class DeviceWatch:
    """Asks a device about its clock after each sample, and remembers the answers."""

    def __init__(self, device: Device, index: int, most_seconds: float = math.inf) -> None:
        self._device = device
        self._index = index
        self._before = device.readings(index)
        """The readings before this process used the device."""
        self._seen: list[Health] = []
        self.pace = Pace(device.pace(), patience_s=min(PATIENCE_S, most_seconds * PATIENCE_SHARE))
        """Of the core on which networks run, in a launch that samples for `most_seconds` at most."""

    def forget(self) -> None:
        """Forget the answers so far: those from the warm-up do not concern the samples."""
        self._seen.clear()

    def is_throttled(self) -> bool:
        """Ask the device now, and return whether its clock is throttled. A power cap is no throttling."""
        health = self._device.health(self._index)
        if health:
            self._seen.append(health)
        return bool(health and health.throttled)

    def add_to(self, conditions: Conditions) -> Conditions:
        """Return the conditions with what the device said since the last `forget`, and says now."""
        now = self._device.readings(self._index)
        clocks = [health.clock_hz for health in self._seen if health.clock_hz]
        shares = [
            each.clock_hz / each.default_clock_hz for each in self._seen if each.clock_hz and each.default_clock_hz
        ]
        capped = [health.is_capped for health in self._seen if health.is_capped is not None]
        return replace(
            conditions,
            waited_s=self.pace.waited_s,
            clock_hz=median(clocks) if clocks else None,
            throttle_reasons=tuple(sorted({reason for health in self._seen for reason in health.throttled or ()})),
            clock_share=median(shares) if shares else None,
            power_capped=sum(capped) / len(capped) if capped else None,
            temperature_c=now.temperature_c,
            power_w=now.power_w,
            utilisation=self._before.utilisation,
            other_processes=self._before.other_processes,
        )
