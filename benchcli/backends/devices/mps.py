"""Apple's GPUs through Metal."""

import platform

from benchcli.backends.devices.base import DEVICES, Facts
from benchcli.backends.devices.events import EventDevice


class Mps(EventDevice):
    """An Apple GPU; there is one a machine."""

    name = "mps"
    title = "Apple GPU"

    def facts(self, index: int) -> Facts:  # noqa: ARG002
        """Return the system's version: Metal's kernels ship with it."""
        return {"macos": platform.mac_ver()[0]}

    def torch_name(self, index: int) -> str:  # noqa: ARG002
        """Return "mps": torch gives it no number."""
        return "mps"


DEVICES.add(Mps())
