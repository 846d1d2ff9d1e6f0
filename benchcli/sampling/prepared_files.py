"""Let runtimes write the files of networks before the launches, several at once."""

import math
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from threading import Lock

from benchcli.backends.runtimes.base import runtime_named
from benchcli.errors import NothingMeasuredError
from benchcli.sampling.artifact_cache import cache_folder
from benchcli.sampling.worker_reports import Failures, by_family, collect, keys_of, without
from benchcli.schema import Costs, Failure, Family, Key, Target
from benchcli.schema.protocol import EXPORT, Conversation, Exported, Launcher, Task

Exporters = Callable[[int], Sequence[AbstractContextManager[Launcher]]]
"""Makes launchers for so many settings, or parts of them; none, or one, if they are prepared one after the other."""
UNPREPARED = "its process ended without having prepared it"


@dataclass
class PreparedFiles:
    """The files that runtimes have prepared, and what became of the others."""

    target: Target
    costs: Mapping[Key, Costs]
    """Of the networks that were counted."""
    failures: Failures
    """Of those that were not; what cannot be prepared is added."""
    live: Mapping[str, str]
    """Networks that a caller gave by value."""
    folder: Path
    announce: Callable[[str], None]
    """Tells what is done."""
    artifacts: dict[Key, str] = field(default_factory=dict)
    """The files."""
    exported: dict[Key, Exported] = field(default_factory=dict)
    """What preparing them took."""
    _is_over: bool = False
    """Whether nothing more is to be started."""
    _lock: Lock = field(default_factory=Lock)

    def write(
        self, families: Sequence[Family], launcher: Launcher, exporters: Sequence[AbstractContextManager[Launcher]]
    ) -> None:
        """Let runtimes write the files of families, each setting by itself: by each exporter one, or by the launcher.

        Where there are more exporters than settings, some prepare networks of the same one, if that takes long. Raises
        NothingMeasuredError if no worker can start.
        """
        several = math.ceil(len(exporters) / len(families)) or 1
        numbers = [(family, several if self._is_slow(family) else 1) for family in families]
        parts = [part for family, number in numbers for part in in_parts(family, number)]
        waiting = deque(enumerate(parts, 1))
        if len(exporters) < 2:
            self._take(waiting, launcher, len(parts))
            return
        with ThreadPoolExecutor(len(exporters)) as pool, ExitStack() as stack:
            launchers = list(map(stack.enter_context, exporters))
            try:
                taking = [pool.submit(self._take, waiting, each, len(parts)) for each in launchers]
                for each in taking:
                    each.result()
            finally:  # after an interruption the threads go on for as long as they find something to do
                self._is_over = True

    def at_once(self, families: Sequence[Family]) -> int:
        """Return how many processes it pays to have for families: one for each, and more where exports take long."""
        return sum(len(family.launched) if self._is_slow(family) else 1 for family in families)

    def _is_slow(self, family: Family) -> bool:
        return runtime_named(family.on(self.target).runtime).exports_slowly

    def _take(self, waiting: deque[tuple[int, Family]], launcher: Launcher, of: int) -> None:
        """Let one launcher prepare families until none waits."""
        while waiting and not self._is_over:
            try:
                number, family = waiting.popleft()
            except IndexError:  # another one took the last
                return
            with self._lock:
                self.announce(f"preparing {family.name} in {family.on(self.target).runtime}, {number} of {of}")
            self._write(family, launcher)

    def _write(self, family: Family, launcher: Launcher) -> None:
        """Let the runtime write a family's files. If the worker dies, those are done that it had reported."""
        own = Failures()
        paths = {key: str(self.folder / f"{number}") for number, key in enumerate(self.costs)}
        while rest := without([family], {key for key in keys_of([family]) if self._is_done(key, own)}):
            task = Task(
                EXPORT,
                family.on(self.target),
                tuple(rest),
                by_family(self.costs, rest),
                live=self.live,
                artifacts=by_family(paths, rest),
                cache=cache_folder(),
            )
            self._collect(task, launcher, own)
        for key, failure in own.by_key.items():
            self.failures.by_key.setdefault(key, failure)

    def _is_done(self, key: Key, own: Failures) -> bool:
        return key in self.artifacts or key in own.by_key or key in self.failures.by_key

    def _collect(self, task: Task, launcher: Launcher, failures: Failures) -> None:
        def started(task: Task, silence_s: float) -> Conversation:
            if self._is_over:
                raise NothingMeasuredError("interrupted")
            return (yield from launcher(task, silence_s))

        reports = collect(started, task, runtime_named(task.target.runtime).export_s, failures)
        if reports.death and reports.death.status == "timeout" and reports.running:
            failures.by_key.setdefault(reports.running, reports.death)  # a second try would take as long
        self.exported |= reports.exported
        self.artifacts |= {(family, name): task.artifacts[family][name] for family, name in reports.exported}
        for key in keys_of(task.families) if reports.death is None else ():
            if key not in reports.exported:
                failures.by_key.setdefault(key, Failure("failed", UNPREPARED))


def in_parts(family: Family, number: int) -> list[Family]:
    """Return a family's networks, its references too, in so many parts of about as many; in fewer if they are few."""
    keys = keys_of([family])
    several = [set(keys[at::number]) for at in range(min(number, len(keys)))]
    return [part for own in several for part in without([family], {*keys} - own)]
