"""The lines between the engine and a worker, which begin with a word that only these two know.

The code of a measured network runs in the worker and can write to the same pipe. The word keeps its
lines, and those of processes that it leaves running, from being taken for events.
"""

import contextlib
import json
import queue
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO

from benchcli.schema import Key
from benchcli.schema.protocol import ENDED, Done, Event, Sampled, Task, Traced, decode_event

MOST_LETTERS = 2**24
"""The longest line that is read at once; a longer one is no event."""
MOST_LINES = 10_000
"""The most lines that wait to be heard."""
POLL_S = 0.5
"""How often a silent worker is looked after, in seconds."""
GRACE_S = 2.0
"""Longest wait for the rest of the lines of a worker that has ended, in seconds."""


def new_word() -> str:
    """Return a word for one task."""
    return secrets.token_hex(8)


def marked(word: str, text: str) -> str:
    """Return a text as a line without its end."""
    return f"{word} {text}"


def parted(line: str) -> tuple[str, str]:
    """Return the word and the text of a line of the engine."""
    word, _, text = line.partition(" ")
    return word, text


@dataclass
class Heard:
    """Tells the lines of a task's worker from whatever else is in its pipe."""

    word: str
    task: Task
    is_strange: bool = False
    """Whether the last line was none of the worker's. A worker that is killed leaves half a line."""
    is_done: bool = False
    has_begun: bool = False
    """Whether the worker was heard. What comes before is of its interpreter, and no network's."""

    def exit_code(self, line: str) -> int | None:
        """Return the exit code in a fork server's line; None if the line is another one."""
        text = self._text(line)
        if text is None or not text.startswith(f'{{"{ENDED}"'):
            return None
        code: int = json.loads(text)[ENDED]
        return code

    def event(self, line: str) -> Event | None:
        """Return the event in a line; None if it holds none, and then `is_strange` says whether it should."""
        if not line.strip():
            return None
        try:
            event = decode_event(self._text(line) or "")
        except (ValueError, KeyError, TypeError):
            event = None
        self.is_strange = event is None or not self._belongs(event)
        self.has_begun = self.has_begun or not self.is_strange
        self.is_strange = self.is_strange and self.has_begun
        if event is None or self.is_strange:
            return None
        self.is_done = self.is_done or isinstance(event, Done)
        return event

    def _text(self, line: str) -> str | None:
        word, text = parted(line)
        return text if secrets.compare_digest(word.encode(), self.word.encode()) else None

    def _belongs(self, event: Event) -> bool:
        """Return whether the event is of a family and variant of the task, if it is of any."""
        family, variant = _subject(event)
        variants = (each.variants for each in self.task.families if each.name == family)
        return not family or variant is None or any(variant == each.name for known in variants for each in known)


def _subject(event: Event) -> Key | tuple[str, None]:
    """Return the names of the family and the variant that an event is about; "" and None for none."""
    if isinstance(event, Sampled):
        return event.family, event.sample.variant
    if isinstance(event, Traced):
        return event.breakdown.family, event.breakdown.variant
    return getattr(event, "family", ""), getattr(event, "variant", None)


class Lines:
    """The lines of a stream, read by a thread of its own, so that waiting for one can end."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._lines: queue.Queue[str | None] = queue.Queue(MOST_LINES)
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def next(self, timeout_s: float, has_ended: Callable[[], bool]) -> str | None:
        """Return the next line; None after the last. Raises queue.Empty after a time of silence.

        A process that the worker left running can keep the pipe open: the last line is then the last
        before `has_ended`.
        """
        end_s = time.monotonic() + timeout_s
        while True:
            ended = has_ended()
            wait_s = GRACE_S if ended else min(POLL_S, max(0.0, end_s - time.monotonic()))
            with contextlib.suppress(queue.Empty):
                return self._lines.get(timeout=wait_s)
            if ended:
                return None
            if time.monotonic() >= end_s:
                raise queue.Empty

    def close(self) -> None:
        """Wait for the end of the stream, unless a process that was left running keeps it open."""
        end_s = time.monotonic() + GRACE_S
        while self._thread.is_alive() and time.monotonic() < end_s:
            with contextlib.suppress(queue.Empty):  # so that the thread does not wait to add to them
                while True:
                    self._lines.get_nowait()
            self._thread.join(0.01)

    def _read(self) -> None:
        with contextlib.suppress(OSError, ValueError), self._stream:
            while line := self._stream.readline(MOST_LETTERS):
                self._lines.put(line)
        self._lines.put(None)
