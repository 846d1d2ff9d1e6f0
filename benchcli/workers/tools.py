"""Hold the processes, clock and outputs that measuring uses, so that tests can replace them."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from benchcli.schema.progress import Observer
from benchcli.schema.protocol import Launcher
from benchcli.schema.warnings import RunWarning
from benchcli.system.counters import busy_cores
from benchcli.system.machine import usable_cores
from benchcli.workers.process import Workers

if TYPE_CHECKING:
    from benchcli.noise.fitness import Probe


def _probe() -> "Probe":
    from benchcli.noise.fitness import probe  # imports the devices, which few callers need

    return probe()


def _ignore(_message: object) -> None:
    """Do nothing."""


@dataclass(frozen=True)
class Tools:
    """The functions that start processes, read the clock, observe the machine and report."""

    workers: Callable[..., AbstractContextManager[Launcher]] = Workers
    """Takes keywords: the interpreter (`python`), the launches per fork server (`renew`), and `ahead` of Workers."""
    clock: Callable[[], float] = time.monotonic
    """Seconds."""
    exports_at_once: int = field(default_factory=usable_cores)
    """How many settings, or parts of them, have their files prepared at once, before anything is timed."""
    busy_cores: Callable[[], float | None] = busy_cores
    """Returns how many cores other processes use now; None if that cannot be observed."""
    probe: Callable[[], "Probe"] = _probe
    observe: Observer = _ignore
    """Receives the progress at each step."""
    notify: Callable[[str], None] = _ignore
    """Receives sentences that the user should read before the result is complete."""
    warn: Callable[[RunWarning], None] = _ignore
    """Receives the warnings from before the run."""

    def exporters(self, parts: int) -> list[AbstractContextManager[Launcher]]:
        """Return launchers for files of so many settings, or parts of them, prepared at once; none for one."""
        several = min(self.exports_at_once, parts)
        return [Workers() for _ in range(several)] if several > 1 else []


@contextmanager
def sharing_workers(tools: Tools) -> Iterator[Tools]:
    """Yield the tools with one launcher for all that is measured with them: it takes seconds to import torch anew."""
    with tools.workers() as launcher:
        yield replace(tools, workers=lambda: nullcontext(launcher))
