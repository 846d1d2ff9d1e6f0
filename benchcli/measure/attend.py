"""Listen to a worker, and put what goes wrong on the variant that it happened to."""

from collections.abc import Iterator

from benchcli.errors import NothingMeasuredError
from benchcli.measure.process import Died, Launcher
from benchcli.measure.protocol import Event, Failed, Started, Task
from benchcli.schema import Failure

Key = tuple[str, str]
"""Family and variant."""

ATTEMPTS = 3
"""So often a worker may die in a row before it comes to a variant."""


def attend(task: Task, silence_s: float, launcher: Launcher, failures: dict[Key, Failure]) -> Iterator[Event | Died]:
    """Yield a worker's events, and note in `failures` the variants that failed.

    Where the worker dies, `Died` is the last event: its death is that of the variant under way, unless the worker said
    itself what was wrong with it. A worker that dies before any variant is tried again; NothingMeasuredError is raised
    where that does not help.
    """
    for _ in range(ATTEMPTS):
        running: Key | None = None
        death: Died | None = None
        for event in launcher(task, silence_s):
            if isinstance(event, Started):
                running = (event.family, event.variant)
            elif isinstance(event, Failed):
                failures[event.family, event.variant] = Failure(event.status, event.error)
            elif isinstance(event, Died):
                death = event
            else:
                yield event
        if death is None:
            return
        if running is not None:
            failures.setdefault(running, death.failure)
            yield death
            return
    raise NothingMeasuredError(f"no worker could start: {death.failure.error}" if death else "no worker could start")
