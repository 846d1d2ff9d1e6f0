"""What the command line runs on; tests put a launcher and a clock of their own here."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    from benchcli.measure.fitness import Probe
    from benchcli.measure.process import Launcher


def _processes(python: str = sys.executable, renew: int | None = None) -> AbstractContextManager[Launcher]:
    from benchcli.measure.process import RENEW, workers

    return workers(python=python, renew=renew or RENEW)


def _busy_cores() -> float | None:
    from benchcli.system.counters import busy_cores

    return busy_cores()


def _probe() -> Probe:
    from benchcli.measure.fitness import probe

    return probe()


@dataclass(frozen=True)
class Session:
    """How workers are launched, what tells the time, and how the machine is looked at."""

    workers: Callable[..., AbstractContextManager[Launcher]] = _processes
    """Takes the interpreter to launch them in, this one by default, and how many launches a nursery is good for."""
    clock: Callable[[], float] = time.monotonic
    busy_cores: Callable[[], float | None] = _busy_cores
    probe: Callable[[], Probe] = _probe
