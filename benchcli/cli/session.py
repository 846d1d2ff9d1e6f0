"""What the command line runs on; tests put a launcher and a clock of their own here."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from benchcli.measure.process import Launcher


def _processes() -> Launcher:
    from benchcli.measure.process import run_worker

    return run_worker


@dataclass(frozen=True)
class Session:
    """How workers are launched, and what tells the time."""

    launcher: Launcher = field(default_factory=_processes)
    clock: Callable[[], float] = time.monotonic
