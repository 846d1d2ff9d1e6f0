"""The lines between the engine and a worker. A worker's begin with a mark, unlike what a network prints."""

import contextlib
import queue
import threading
import time
from collections.abc import Callable
from typing import IO

from benchcli.schema.protocol import Event, decode_event

MARK = "\x1e"
"""ASCII's record separator, with which every line of a worker begins."""
MOST_LETTERS = 2**24
"""The longest line that is read at once; a longer one is no event."""
MOST_LINES = 10_000
"""The most lines that wait to be read."""
POLL_S = 0.5
"""How often a silent worker is looked after, in seconds."""
GRACE_S = 2.0
"""Longest wait for the rest of the lines of a worker that has ended, in seconds."""


def event_in(line: str) -> Event | None:
    """Return the event in a line; None if the line is not a worker's, or only a part of one."""
    if not line.startswith(MARK):
        return None
    try:
        return decode_event(line[len(MARK) :])
    except ValueError:
        return None


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
