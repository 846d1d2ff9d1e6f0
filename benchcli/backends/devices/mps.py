"""Apple's GPUs through Metal."""

import platform

from benchcli.backends.devices.base import DEVICES, Facts
from benchcli.backends.devices.events import EventDevice


class Mps(EventDevice):
    """The Apple GPU; a machine has one."""

    name = "mps"
    title = "Apple GPU"
    resolution_s = 5e-5
    """Metal's events come in steps of tens of microseconds."""

    def is_seen(self) -> bool:
        """Return whether this is a Mac."""
        return platform.system() == "Darwin"

    def facts(self, index: int) -> Facts:  # noqa: ARG002
        """Return the version of macOS: Metal's kernels ship with it."""
        return {"macos": platform.mac_ver()[0]}

    def torch_name(self, index: int) -> str:  # noqa: ARG002
        """Return "mps": torch does not number this device."""
        return "mps"


DEVICES.add(Mps())
