"""Interleave the samples of workers with different interpreters; one of them runs at a time."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from statistics import mean

from benchcli.errors import NothingMeasuredError
from benchcli.sampling.evidence import Taken, Taker
from benchcli.sampling.latin_square import orders
from benchcli.sampling.supervise import Failures
from benchcli.schema import Conditions, Family, Key, Sample
from benchcli.schema.protocol import (
    SERVE,
    Conversation,
    Done,
    Event,
    Failed,
    Launcher,
    Question,
    Ready,
    Sampled,
    Started,
    Task,
    Waiting,
    Watched,
    WorkerDied,
    encode,
)
from benchcli.system.counters import Moment, between, look


def interleave(launchers: Mapping[str, Launcher]) -> Taker:
    """Return a function that makes a launch in one worker per variant name.

    All workers of a launch are alive at the same time.
    """
    lost = 0

    def take(task: Task, silence_s: float, failures: Failures) -> Taken | None:
        nonlocal lost
        failed_before = len(failures.by_key)
        sessions = {
            name: _WorkerSession(_part(task, name), launcher, silence_s, failures)
            for name, launcher in launchers.items()
        }
        try:
            return _launch(task, sessions)
        except _LaunchLostError as death:
            lost = 0 if len(failures.by_key) > failed_before else lost + 1
            if lost >= MOST_LOST:
                raise NothingMeasuredError(f"workers keep dying: {death}") from None
            return None
        finally:
            for session in sessions.values():
                session.leave()

    return take


MOST_LOST = 3
"""Lost launches in a row, without a new failed variant, after which measuring stops."""


class _LaunchLostError(Exception):
    """A worker ended early, so its launch is lost."""


@dataclass
class _WorkerSession:
    """A worker in serve mode, and what it has reported."""

    task: Task
    launcher: Launcher
    silence_s: float
    failures: Failures
    calls: dict[str, int] = field(default_factory=dict)
    """The number of calls in a sample, by family name."""
    conditions: Conditions | None = None
    _events: Conversation | None = None
    _running: Key | None = None

    def begin(self) -> None:
        """Start the worker and wait until it is ready for questions."""
        self._events = self.launcher(self.task, self.silence_s)
        for event in self._events:
            self._handle(event)
            if isinstance(event, Waiting):
                return
        raise _LaunchLostError("one ended before it was ready")

    def sample(self, question: Question) -> Sample:
        """Ask the worker for a sample and return it."""
        self._running = (question.family, question.variant)
        event = self._next_event(encode(question))
        while not isinstance(event, Sampled):
            self._handle(event)
            event = self._next_event(None)
        return event.sample

    def end(self) -> None:
        """Send the end of the questions, and handle the worker's last events."""
        self._running = None
        event = self._next_event(encode(None))
        while not isinstance(event, Done):
            self._handle(event)
            event = self._next_event(None)
        for _ in self._events or ():  # wait for its exit
            pass

    def leave(self) -> None:
        """Stop listening. This ends a worker that is not done."""
        if self._events:
            self._events.close()

    def _next_event(self, line: str | None) -> Event | WorkerDied:
        if self._events is None:
            raise _LaunchLostError("one was never begun")
        try:
            return self._events.send(line)
        except StopIteration:
            raise _LaunchLostError("one ended without a word") from None

    def _handle(self, event: Event | WorkerDied) -> None:
        if isinstance(event, Started):
            self._running = (event.family, event.variant)
        elif isinstance(event, Ready):
            self.calls[event.family] = event.calls
        elif isinstance(event, Failed):
            self.failures.note(event)
        elif isinstance(event, Watched):
            self.conditions = event.conditions
        elif isinstance(event, WorkerDied):
            if self._running:
                self.failures.note_death(self._running, event.failure)
            raise _LaunchLostError(event.failure.error)


def _part(task: Task, variant: str) -> Task:
    """Return one worker's part of a task: the variants with its name."""
    families = [replace(f, variants=tuple(v for v in f.variants if v.name == variant)) for f in task.families]
    return replace(task, kind=SERVE, families=tuple(family for family in families if family.variants))


def _launch(task: Task, sessions: Mapping[str, _WorkerSession]) -> Taken:
    rng = random.Random(task.seed)  # noqa: S311
    for session in rng.sample(list(sessions.values()), len(sessions)):
        session.begin()
    complete = [family for family in task.families if all(family.name in each.calls for each in sessions.values())]
    start = look()
    samples = tuple(_samples(complete, sessions, task, rng))
    end = look()
    for session in sessions.values():
        session.end()
    conditions = _conditions(
        task.launch, start, end, [each.conditions for each in sessions.values() if each.conditions]
    )
    return Taken(samples, tuple(Watched(family.name, conditions) for family in complete))


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
            calls = sessions[family.baseline].calls[family.name]
            for name in next(turns[family.name]):
                question = Question(family.name, name, number, calls)
                yield (family.name, name), sessions[name].sample(question)
            spent[family.name] += time.perf_counter() - start


def _conditions(launch: int, start: Moment, end: Moment, by_worker: Sequence[Conditions]) -> Conditions:
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
