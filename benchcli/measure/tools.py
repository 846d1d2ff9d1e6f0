"""Hold the processes, clock and outputs that measuring uses, so that tests can replace them."""

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
    """The progress of a run: its current step, and the seconds spent and expected."""

    doing: str
    spent_s: float
    most_s: float
    """Seconds at the end of the whole run: at most, unless it is an estimate. Infinite if not known."""
    is_estimate: bool = False
    """Whether `most_s` is estimated from the launches so far, and no bound."""


Observer = Callable[[Progress], None]


def _probe() -> "Probe":
    from benchcli.measure.fitness import probe  # imports the devices, which few callers need

    return probe()


def _ignore(_message: object) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Tools:
    """The functions that start processes, read the clock, observe the machine and report."""

    workers: Callable[..., AbstractContextManager[Launcher]] = workers
    """Takes two keywords: the interpreter (`python`) and the launches per fork server (`renew`)."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    busy_cores: Callable[[], float | None] = busy_cores
    """Returns how many cores other processes use now; None if that cannot be observed."""
    probe: Callable[[], "Probe"] = _probe
    observe: Observer = _ignore
    """Receives the progress at each step."""
    notify: Callable[[str], None] = _ignore
    """Receives sentences that the user should read before the result is complete."""
    warn: Callable[[str], None] = _ignore
    """Receives the warning codes from before the run. `report.advice` has their sentences."""
