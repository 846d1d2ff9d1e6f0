"""What measuring is done with; tests put processes, a clock and a machine of their own here."""

import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from benchcli.measure.process import Launcher, workers
from benchcli.system.counters import busy_cores

if TYPE_CHECKING:
    from benchcli.measure.fitness import Probe


@dataclass(frozen=True)
class Progress:
    """Where a run is: what it does, and the seconds it has spent and may spend."""

    doing: str
    spent_s: float
    most_s: float


Observer = Callable[[Progress], None]


def _probe() -> "Probe":
    from benchcli.measure.fitness import probe  # it imports the devices, which few callers need

    return probe()


def _ignore(_told: object) -> None:
    """Tell nobody."""


@dataclass(frozen=True)
class Tools:
    """How processes are started, what tells the time, how the machine is looked at, and who is told."""

    workers: Callable[..., AbstractContextManager[Launcher]] = workers
    """Takes, by name, the interpreter (`python`) and how many launches a fork server is good for (`renew`)."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    busy_cores: Callable[[], float | None] = busy_cores
    """How many cores' worth of work others do at this moment; None where that cannot be seen."""
    probe: Callable[[], "Probe"] = _probe
    observe: Observer = _ignore
    """Told of each step."""
    notify: Callable[[str], None] = _ignore
    """Told, in a sentence, what a person should know before the result is there."""
    warn: Callable[[str], None] = _ignore
    """Told the codes of warnings that are known before anything is measured; `report.advice` has the sentences."""
