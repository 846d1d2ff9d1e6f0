"""Listen to a worker, and put what goes wrong on the variant that it happened to."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from benchcli.errors import NothingMeasuredError
from benchcli.measure.process import Died, Launcher
from benchcli.measure.protocol import Event, Failed, Started, Task
from benchcli.schema import Failure, Key

ATTEMPTS = 3
"""So often a worker may die in a row before it comes to a variant."""
DEATHS = 2
"""So often a worker must die of a variant: once, somebody else may have killed or stopped it."""


@dataclass
class Casualties:
    """What went wrong with which variant."""

    failures: dict[Key, Failure] = field(default_factory=dict)
    deaths: Counter[Key] = field(default_factory=Counter)

    def died(self, key: Key, failure: Failure) -> None:
        """Note a death; the second one is the variant's failure, unless the worker had said what was wrong."""
        self.deaths[key] += 1
        if self.deaths[key] >= DEATHS:
            self.failures.setdefault(key, failure)


def attend(task: Task, silence_s: float, launcher: Launcher, casualties: Casualties) -> Iterator[Event | Died]:
    """Yield a worker's events, and note the variants that failed.

    Where the worker dies, `Died` is the last event: its death is that of the variant under way, unless the worker said
    itself what was wrong with it; after the second one the variant has failed. A worker that dies before any variant
    is tried again; NothingMeasuredError is raised where that does not help.
    """
    for _ in range(ATTEMPTS):
        running: Key | None = None
        death: Died | None = None
        for event in launcher(task, silence_s):
            if isinstance(event, Started):
                running = (event.family, event.variant)
            elif isinstance(event, Failed):
                casualties.failures[event.family, event.variant] = Failure(event.status, event.error)
            elif isinstance(event, Died):
                death = event
            else:
                yield event
        if death is None:
            return
        if running is not None:
            casualties.died(running, death.failure)
            yield death
            return
    raise NothingMeasuredError(f"no worker could start: {death.failure.error}" if death else "no worker could start")
