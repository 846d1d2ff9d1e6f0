"""What is heard through a worker's pipe, and what is not taken for an event."""

import os
import queue
import time

import pytest

from benchcli.schema import Target
from benchcli.schema.protocol import SURVEY, Done, Failed, Sampled, Started, Task, encode_event
from benchcli.workers import pipe
from benchcli.workers.pipe import Heard, Lines, marked, new_word
from tests.values import family, sample, variant

TASK = Task(SURVEY, Target(), (family(variant("a")),), {})
FAMILY = TASK.families[0].name


def test_an_event_is_heard_and_done_is_remembered() -> None:
    heard = Heard(new_word(), TASK)
    assert heard.event(marked(heard.word, encode_event(Started(FAMILY, "a")))) == Started(FAMILY, "a")
    assert not heard.is_done
    assert heard.event(marked(heard.word, encode_event(Done()))) == Done()
    assert heard.is_done


@pytest.mark.parametrize(
    "line",
    [
        encode_event(Done()),
        marked("guessed", encode_event(Done())),
        '{"event": "Samp',
        "[]",
        "noise",
        '{"ended": 0}',
    ],
)
def test_a_line_without_the_word_is_strange(line: str) -> None:
    heard = Heard(new_word(), TASK, has_begun=True)
    assert heard.exit_code(line) is None
    assert heard.event(line) is None
    assert heard.is_strange
    assert not heard.is_done


def test_half_a_line_of_a_worker_that_was_killed_is_no_event_and_its_exit_code_is_read() -> None:
    heard = Heard(new_word(), TASK)
    assert heard.event(marked(heard.word, '{"event": "Samp')) is None
    assert heard.exit_code(marked(heard.word, '{"ended": -9}')) == -9
    assert heard.exit_code(marked(heard.word, encode_event(Done()))) is None


def test_what_an_interpreter_writes_before_the_worker_begins_is_not_strange() -> None:
    heard = Heard(new_word(), TASK)
    assert heard.event("activating an environment\n") is None
    assert not heard.is_strange


def test_lines_that_nobody_hears_do_not_pile_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pipe, "MOST_LINES", 3)
    reading, writing = os.pipe()
    with os.fdopen(writing, "w") as stream:
        lines = Lines(os.fdopen(reading))
        stream.write("line\n" * 100)
    assert lines.next(60, lambda: False) == "line\n"
    lines.close()
    assert not lines._thread.is_alive()


def test_an_empty_line_is_not_strange() -> None:
    heard = Heard(new_word(), TASK)
    assert heard.event("\n") is None
    assert not heard.is_strange


@pytest.mark.parametrize(
    "event",
    [
        Failed(FAMILY, "b", "failed", "x"),
        Failed("other", "a", "failed", "x"),
        Sampled(FAMILY, sample("b", 0, 0, 0.1)),
    ],
    ids=["variant", "family", "sample"],
)
def test_an_event_of_a_network_that_the_task_does_not_have_is_strange(event: Failed | Sampled) -> None:
    heard = Heard(new_word(), TASK, has_begun=True)
    assert heard.event(marked(heard.word, encode_event(event))) is None
    assert heard.is_strange


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
