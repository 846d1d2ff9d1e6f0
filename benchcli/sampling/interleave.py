"""Interleave the samples of workers with different interpreters; one of them runs at a time."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from benchcli.errors import NothingMeasuredError
from benchcli.sampling.rounds import orders
from benchcli.sampling.worker_reports import Failures, Reports
from benchcli.schema import Conditions, Failure, Family, Key, Sample
from benchcli.schema.protocol import (
    SERVE,
    Conversation,
    Event,
    Launcher,
    Question,
    Task,
    Watched,
    WorkerDied,
    encode,
)
from benchcli.system.counters import Counters, between, look

MOST_LOST = 3
"""Lost launches in a row, without a new failed variant, after which measuring stops."""


class _LaunchLostError(Exception):
    """A worker ended early, so its launch is lost."""


@dataclass
class Interleaving:
    """Makes launches in one worker per variant name, all of which are alive at the same time."""

    launchers: Mapping[str, Launcher]
    lost: int = 0
    """Lost launches in a row, without a new failed variant."""

    def collect(self, task: Task, silence_s: float, failures: Failures) -> Reports:
        """Make a launch; if a worker ends early, the launch is lost and its death is reported.

        Raises NothingMeasuredError after MOST_LOST such launches.
        """
        failed_before = len(failures.by_key)
        sessions = {
            name: _WorkerSession(_part(task, name), launcher(_part(task, name), silence_s), Reports(failures))
            for name, launcher in self.launchers.items()
        }
        try:
            return _launch(task, sessions, failures)
        except _LaunchLostError as lost:
            self.lost = 0 if len(failures.by_key) > failed_before else self.lost + 1
            if self.lost >= MOST_LOST:
                raise NothingMeasuredError(f"workers keep dying: {lost}") from None
            return Reports(failures, death=Failure("crashed", str(lost)))
        finally:
            for session in sessions.values():
                session.events.close()  # this ends a worker that is not done


@dataclass
class _WorkerSession:
    """A worker in serve mode, and what it has reported."""

    task: Task
    events: Conversation
    reports: Reports

    def begin(self) -> None:
        """Start the worker and wait until it is ready for questions."""
        while not self.reports.is_waiting:
            self._advance(None)

    def sample(self, question: Question) -> tuple[Key, Sample]:
        """Ask the worker for a sample and return it."""
        self.reports.running = question.key
        self._advance(encode(question))
        while not self.reports.samples:
            self._advance(None)
        return self.reports.samples.pop()

    def end(self) -> None:
        """Send the end of the questions, and receive the worker's last events."""
        self.reports.running = None
        self._advance(encode(None))
        for event in self.events:
            self._add(event)

    def _advance(self, line: str | None) -> None:
        """Send a line and receive an event. Raises _LaunchLostError if the worker ends, or has ended."""
        try:
            event = self.events.send(line)
        except StopIteration:
            raise self._lost("the worker ended before it was done") from None
        self._add(event)

    def _add(self, event: Event | WorkerDied) -> None:
        self.reports.add(event)
        if self.reports.death:
            raise self._lost(self.reports.death.error)

    def _lost(self, why: str) -> _LaunchLostError:
        running = f" of {'/'.join(self.reports.running)}" if self.reports.running else ""
        return _LaunchLostError(f"{why} (launch {self.task.launch}{running})")


def _part(task: Task, variant: str) -> Task:
    """Return one worker's part of a task: the variants with its name."""
    families = [replace(f, variants=tuple(v for v in f.variants if v.name == variant)) for f in task.families]
    return replace(
        task, kind=SERVE, keeps_settings=True, families=tuple(family for family in families if family.variants)
    )


def _launch(task: Task, sessions: Mapping[str, _WorkerSession], failures: Failures) -> Reports:
    rng = random.Random(task.seed)  # noqa: S311
    for session in rng.sample(list(sessions.values()), len(sessions)):
        session.begin()
    complete = [
        family
        for family in task.families
        if all((family.name, name) in each.reports.calls for name, each in sessions.items())
    ]
    start = look()
    samples = list(_samples(complete, sessions, task, rng))
    end = look()
    for session in sessions.values():
        session.end()
    by_worker = [each.reports.conditions[-1].conditions for each in sessions.values() if each.reports.conditions]
    conditions = _conditions(task.launch, start, end, by_worker)
    return Reports(failures, samples=samples, conditions=[Watched(family.name, conditions) for family in complete])


def _samples(
    families: Sequence[Family], sessions: Mapping[str, _WorkerSession], task: Task, rng: random.Random
) -> Iterator[tuple[Key, Sample]]:
    """Yield the samples, one worker after the other, family by family, ordered by Latin squares.

    A family that has used up `most_seconds` gets no further rounds.
    """
    turns = {family.name: orders(list(sessions), rng) for family in families}
    spent = dict.fromkeys(turns, 0.0)
    for number in range(task.rounds):
        for family in rng.sample(families, len(families)):
            if spent[family.name] > task.most_seconds:
                continue
            start = time.perf_counter()
            # The same number of calls for all: a longer sample would average out more noise.
            calls = sessions[family.baseline].reports.calls[family.name, family.baseline]
            for name in next(turns[family.name]):
                yield sessions[name].sample(Question(family.name, name, number, calls))
            spent[family.name] += time.perf_counter() - start


def _conditions(launch: int, start: Counters, end: Counters, by_worker: Sequence[Conditions]) -> Conditions:
    """Return the conditions of a launch. The workers' own CPU time does not count as other work."""
    own_s = (end.cpu_s or 0.0) - (start.cpu_s or 0.0)
    worked_s = own_s + sum(each.cpu_s or 0.0 for each in by_worker)
    machine = between(launch, start, replace(end, cpu_s=(start.cpu_s or 0.0) + worked_s), 0.0)
    if not by_worker:
        return machine
    return replace(
        machine,
        minor_faults=_sum([each.minor_faults for each in by_worker]),
        major_faults=_sum([each.major_faults for each in by_worker]),
        call_overhead_s=max(each.call_overhead_s for each in by_worker),
        memory_bytes=_sum([each.memory_bytes for each in by_worker]),
        grown_bytes=_sum([each.grown_bytes for each in by_worker]),
        throttle_reasons=tuple(sorted({reason for each in by_worker for reason in each.throttle_reasons})),
        clock_hz=_mean([each.clock_hz for each in by_worker]),
        clock_share=_mean([each.clock_share for each in by_worker]),
        power_capped=_mean([each.power_capped for each in by_worker]),
        temperature_c=_mean([each.temperature_c for each in by_worker]),
        power_w=_mean([each.power_w for each in by_worker]),
    )


def _mean(values: Sequence[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return mean(known) if known else None


def _sum(counts: Sequence[int | None]) -> int | None:
    numbers = [count for count in counts if count is not None]
    return sum(numbers) if numbers else None
