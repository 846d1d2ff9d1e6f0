"""What is read from a worker's pipe, and what is not taken for an event."""

import os
import queue
import time

import pytest

from benchcli.schema import Failure, Target
from benchcli.schema.protocol import SURVEY, Done, Ended, Event, Started, Task, WorkerDied, encode_event
from benchcli.workers import pipe, process
from benchcli.workers.pipe import MARK, Lines, event_in
from tests.values import family, variant

TASK = Task(SURVEY, Target(), (family(variant("a")),), {})
FAMILY = TASK.families[0].name


@pytest.mark.parametrize("event", [Started(FAMILY, "a"), Done(), Ended(-9)])
def test_a_marked_line_is_an_event(event: Event) -> None:
    assert event_in(MARK + encode_event(event) + "\n") == event


@pytest.mark.parametrize(
    "line",
    [
        encode_event(Done()),
        f"guessed {encode_event(Done())}",
        f" {MARK}{encode_event(Done())}",
        MARK + '{"event": "Samp',
        "[]",
        "noise",
        "\n",
        '{"event": "Ended", "code": 0}',
    ],
)
def test_a_line_without_the_mark_or_of_half_an_event_is_none(line: str) -> None:
    assert event_in(line) is None


def spoken(*lines: str) -> list[Event | WorkerDied]:
    """Return the events of a worker that writes these lines, once it has its task, and exits with code 3."""
    program = f"import sys; sys.stdin.readline(); sys.stdout.write({''.join(lines)!r}); sys.exit(3)"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_PROGRAM", program)
        with process.Workers(forks=False) as launcher:
            return list(launcher(TASK, 60))


BEGUN = MARK + encode_event(Started(FAMILY, "a")) + "\n"
DONE = MARK + encode_event(Done()) + "\n"


@pytest.mark.measured
def test_an_event_is_passed_on_and_done_is_remembered() -> None:
    assert spoken(BEGUN, DONE) == [Started(FAMILY, "a"), Done()]


@pytest.mark.measured
@pytest.mark.parametrize("stray", ["noise\n", encode_event(Done()) + "\n", "[]\n", '{"event": "Ended", "code": 0}\n'])
def test_a_stray_line_between_events_is_the_failure_of_the_network(stray: str) -> None:
    assert spoken(BEGUN, stray, DONE) == [Started(FAMILY, "a"), WorkerDied(Failure("failed", process.STRANGE))]


@pytest.mark.measured
def test_half_a_line_of_a_worker_that_was_killed_is_no_event_and_its_exit_code_is_read() -> None:
    died = WorkerDied(Failure("crashed", "its process ended with exit code 3"))
    assert spoken(BEGUN, MARK + '{"event": "Samp') == [Started(FAMILY, "a"), died]
    assert spoken(BEGUN, MARK + '{"event": "Samp', "\n", MARK + encode_event(Ended(-9)) + "\n") == [
        Started(FAMILY, "a"),
        WorkerDied(Failure("crashed", "the worker was ended by SIGKILL")),
    ]


@pytest.mark.measured
def test_what_an_interpreter_writes_before_the_worker_begins_and_empty_lines_are_not_strange() -> None:
    assert spoken("activating an environment\n", "more\n", BEGUN, "\n", DONE) == [Started(FAMILY, "a"), Done()]


def test_lines_that_nobody_hears_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "MOST_LINES", 3)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        lines = Lines(os.fdopen(reading))
        stream.write("line\n" * 100)
    assert lines.next(60, lambda: False) == "line\n"
    lines.close()
    assert not lines._thread.is_alive()


def test_a_pipe_that_a_process_left_running_keeps_open_ends_with_the_worker(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "GRACE_S", 0.1)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as kept:
        lines = Lines(os.fdopen(reading))
        kept.write("last\n")
        kept.flush()
        assert lines.next(60, lambda: True) == "last\n"
        assert lines.next(60, lambda: True) is None
        lines.close()  # it must not wait for the writer
    lines.close()


def test_silence_raises() -> None:
    reading, writing = os.pipe()
    with os.fdopen(writing, "w"):
        lines = Lines(os.fdopen(reading))
        start = time.monotonic()
        with pytest.raises(queue.Empty):
            lines.next(0.2, lambda: False)
        assert time.monotonic() - start < 600  # not a speed: it must not wait for the writer
    lines.close()


def test_a_task_that_is_served_may_take_any_time_and_another_may_not() -> None:
    few = TASK.longest_s(10)
    many = Task(SURVEY, Target(), (family(*(variant(str(n)) for n in range(5))),), {}).longest_s(10)
    assert 0 < few < many < Task("serve", Target(), (), {}).longest_s(10)
