"""In a worker: ask an accelerator after each sample whether something held its clock down."""

from benchcli.backends.devices.base import Device, Health


class Throttle:
    """Remembers what was heard since it was made."""

    def __init__(self, device: Device, index: int) -> None:
        self._device = device
        self._index = index
        self._last: Health | None = None
        self._reasons: set[str] = set()

    def forget(self) -> None:
        """Begin anew: what was heard during the warm-up is not of the samples."""
        self._reasons.clear()

    def __call__(self) -> bool:
        """Ask now, and say whether the clock is held down."""
        self._last = self._device.health(self._index)
        now = self._last.throttled if self._last else ()
        self._reasons.update(now)
        return bool(now)

    @property
    def clock_hz(self) -> float | None:
        """The clock when it was last asked."""
        return self._last.clock_hz if self._last else None

    @property
    def reasons(self) -> tuple[str, ...]:
        """All that held the clock down."""
        return tuple(sorted(self._reasons))
