"""Sample workers of different interpreters in turn: one works at a time, and the others wait for their question."""

import random
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from benchcli.errors import NothingMeasuredError
from benchcli.measure.latin_square import orders
from benchcli.measure.launches import Taken, Taker
from benchcli.measure.process import Conversation, Launcher, WorkerDied
from benchcli.measure.protocol import (
    SERVE,
    Done,
    Event,
    Failed,
    Question,
    Ready,
    Sampled,
    Started,
    Task,
    Waiting,
    Watched,
    encode_question,
)
from benchcli.measure.supervise import Failures
from benchcli.schema import Conditions, Failure, Family, Key, Sample
from benchcli.system.counters import Moment, between, look


def interleave(launchers: Mapping[str, Launcher]) -> Taker:
    """Return what makes a launch in a worker for each variant's name, all of them alive at once."""

    lost = 0

    def take(task: Task, silence_s: float, failures: Failures) -> Taken | None:
        nonlocal lost
        known = len(failures.by_key)
        sessions = {
            name: _WorkerSession(_part(task, name), launcher, silence_s, failures)
            for name, launcher in launchers.items()
        }
        try:
            return _taken(task, sessions)
        except _LaunchLostError as death:
            lost = 0 if len(failures.by_key) > known else lost + 1
            if lost >= MOST_LOST:
                raise NothingMeasuredError(f"workers keep dying: {death}") from None
            return None
        finally:
            for session in sessions.values():
                session.leave()

    return take


MOST_LOST = 3
"""So often in a row a launch may be lost to a worker that dies without a culprit to be found."""


class _LaunchLostError(Exception):
    """A worker is gone, and with it the launch."""


@dataclass
class _WorkerSession:
    """A worker that serves, and what it has said."""

    task: Task
    launcher: Launcher
    silence_s: float
    failures: Failures
    calls: dict[str, int] = field(default_factory=dict)
    """By family: how many make a sample."""
    conditions: Conditions | None = None
    _events: Conversation | None = None
    _running: Key | None = None

    def begin(self) -> None:
        """Start it and wait until it has made everything ready."""
        self._events = self.launcher(self.task, self.silence_s)
        for event in self._events:
            self._note(event)
            if isinstance(event, Waiting):
                return
        raise _LaunchLostError("one ended before it was ready")

    def sample(self, question: Question) -> Sample:
        """Ask for a sample."""
        self._running = (question.family, question.variant)
        event = self._said(encode_question(question))
        while not isinstance(event, Sampled):
            self._note(event)
            event = self._said(None)
        return event.sample

    def end(self) -> None:
        """Ask nothing more, and hear what it met."""
        self._running = None
        event = self._said(encode_question(None))
        while not isinstance(event, Done):
            self._note(event)
            event = self._said(None)
        for _ in self._events or ():  # its exit
            pass

    def leave(self) -> None:
        """Stop listening, however far it is: a worker that is not done is ended."""
        if self._events:
            self._events.close()

    def _said(self, line: str | None) -> Event | WorkerDied:
        if self._events is None:
            raise _LaunchLostError("one was never begun")
        try:
            return self._events.send(line)
        except StopIteration:
            raise _LaunchLostError("one ended without a word") from None

    def _note(self, event: Event | WorkerDied) -> None:
        if isinstance(event, Started):
            self._running = (event.family, event.variant)
        elif isinstance(event, Ready):
            self.calls[event.family] = event.calls
        elif isinstance(event, Failed):
            self.failures.by_key[event.family, event.variant] = Failure(event.status, event.error)
        elif isinstance(event, Watched):
            self.conditions = event.conditions
        elif isinstance(event, WorkerDied):
            if self._running:
                self.failures.note_death(self._running, event.failure)
            raise _LaunchLostError(event.failure.error)


def _part(task: Task, variant: str) -> Task:
    """Return what of a task is one worker's: the variants of its name."""
    mine = [replace(f, variants=tuple(v for v in f.variants if v.name == variant)) for f in task.families]
    return replace(task, kind=SERVE, families=tuple(family for family in mine if family.variants))


def _taken(task: Task, sessions: Mapping[str, _WorkerSession]) -> Taken:
    rng = random.Random(task.seed)  # noqa: S311
    for session in rng.sample(list(sessions.values()), len(sessions)):
        session.begin()
    whole = [family for family in task.families if all(family.name in each.calls for each in sessions.values())]
    start = look()
    samples = tuple(_sampled(whole, sessions, task, rng))
    end = look()
    for session in sessions.values():
        session.end()
    seen = _seen(task.launch, start, end, [each.conditions for each in sessions.values() if each.conditions])
    return Taken(samples, tuple(Watched(family.name, seen) for family in whole))


def _sampled(
    families: Sequence[Family], sessions: Mapping[str, _WorkerSession], task: Task, rng: random.Random
) -> Iterator[tuple[Key, Sample]]:
    """Yield a sample of each worker after the other, family by family, in Latin squares of the workers.

    A family that has had its most seconds gets no further rounds.
    """
    turns = {family.name: orders(list(sessions), rng) for family in families}
    spent = dict.fromkeys(turns, 0.0)
    for number in range(task.rounds):
        for family in rng.sample(families, len(families)):
            if spent[family.name] > task.most_seconds:
                continue
            start = time.perf_counter()
            # One number of calls for all, or the longer sample would average more away.
            calls = sessions[family.baseline].calls[family.name]
            for name in next(turns[family.name]):
                question = Question(family.name, name, number, calls)
                yield (family.name, name), sessions[name].sample(question)
            spent[family.name] += time.perf_counter() - start


def _seen(launch: int, start: Moment, end: Moment, of_workers: Sequence[Conditions]) -> Conditions:
    """Return what the machine met; what the workers did themselves is not others' work."""
    own_s = (end.cpu_s or 0.0) - (start.cpu_s or 0.0)
    worked_s = own_s + sum(each.cpu_s or 0.0 for each in of_workers)
    met = between(launch, start, replace(end, cpu_s=(start.cpu_s or 0.0) + worked_s), 0.0)
    if not of_workers:
        return met
    return replace(
        met,
        minor_faults=_sum([each.minor_faults for each in of_workers]),
        major_faults=_sum([each.major_faults for each in of_workers]),
        call_overhead_s=max(each.call_overhead_s for each in of_workers),
        memory_bytes=_sum([each.memory_bytes for each in of_workers]),
        clock_hz=of_workers[-1].clock_hz,
        throttle_reasons=tuple(sorted({reason for each in of_workers for reason in each.throttle_reasons})),
    )


def _sum(counts: Sequence[int | None]) -> int | None:
    known = [count for count in counts if count is not None]
    return sum(known) if known else None
