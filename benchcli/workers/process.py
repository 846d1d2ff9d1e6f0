"""Start workers and yield their events, up to a last one however the worker ends."""

import contextlib
import os
import queue
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import IO

import psutil

import benchcli
from benchcli import files
from benchcli.errors import NothingMeasuredError
from benchcli.schema import Failure
from benchcli.schema.protocol import Conversation, Launcher, Task, WorkerDied, encode
from benchcli.workers.death import death, kills_for_memory, last_words
from benchcli.workers.pipe import GRACE_S, Heard, Lines, marked, new_word
from benchcli.workers.variables import worker_environment

START_S = 300.0
"""Time allowed for a worker to load torch from a cold disk."""
RENEW = 16
"""Launches per fork server. A new fork server loads its libraries at other addresses."""
STRANGE = "it wrote into the pipe in which its process reports to benchcli"
"""The failure of a network that was running when a line came that is no event."""
FORKS = sys.platform == "linux"
"""Whether to fork launches. Elsewhere, fork is missing or unsafe with the libraries' state."""
_PACKAGE = str(Path(benchcli.__file__).parent)
# The worker imports this benchcli, even if its interpreter has another one, and nothing else from
# this folder. -P: Python must not import a torch.py from the user's folder as torch.
_PROGRAM = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("benchcli", {_PACKAGE!r} + "/__init__.py")
sys.modules["benchcli"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from benchcli.workers.MODULE import main
main()
"""


@contextlib.contextmanager
def workers(forks: bool = FORKS, python: str = sys.executable, renew: int = RENEW) -> Iterator[Launcher]:
    """Yield a launcher of fresh workers.

    With `forks`, each is forked from a fork server, which only imports torch; a new fork server
    replaces it after `renew` launches. Each environment, such as a number of threads, has its own.
    """
    if not forks:
        yield partial(run_worker, python=python)
        return
    servers: dict[frozenset[tuple[str, str]], _ForkServer] = {}

    def run(task: Task, silence_s: float) -> Conversation:
        environment = worker_environment(task.target)
        server = servers.setdefault(frozenset(environment.items()), _ForkServer(python, renew, environment))
        return (yield from server.run(task, silence_s))

    try:
        yield run
    finally:
        for server in servers.values():
            server.end()


def run_worker(task: Task, silence_s: float, python: str = sys.executable) -> Conversation:
    """Run a task in a new process, with the environment of `worker_environment`."""
    process = _Process(python, "worker", worker_environment(task.target))
    try:
        return (yield from process.run(task, silence_s))
    finally:
        process.end()


class _ForkServer:
    """Holds the fork server of one environment; replaces it if it is used up or dead."""

    def __init__(self, python: str, renew: int, environment: Mapping[str, str]) -> None:
        self._python, self._environment = python, environment
        self._renew = renew
        self._process: _Process | None = None
        self._left = 0

    def run(self, task: Task, silence_s: float) -> Conversation:
        """Run a task in a fresh fork."""
        process = self._ready()
        self._left -= 1
        usable = False
        try:
            usable = yield from process.run(task, silence_s)
        finally:
            if not usable:  # it ended, its child hangs, or the listener stopped
                self.end()
        return usable

    def end(self) -> None:
        """End the process and its child."""
        if self._process:
            self._process.end()
        self._process = None

    def _ready(self) -> "_Process":
        process = self._process
        if process and (self._left <= 0 or process.has_ended()):
            self.end()
        if self._process is None:
            self._process, self._left = _Process(self._python, "forkserver", self._environment), self._renew
        return self._process


class _Process:
    """A running worker or fork server, with its output lines and its stderr."""

    def __init__(self, python: str, module: str, environment: Mapping[str, str]) -> None:
        self._patience = START_S
        self._errors_read = 0
        self._process, self._errors = _started(python, module, environment)
        assert self._process.stdout  # noqa: S101
        self._lines = Lines(self._process.stdout)

    def run(self, task: Task, silence_s: float) -> Conversation:
        """Send a task and yield its events; return whether the process can run another task."""
        kills = kills_for_memory()
        heard = Heard(new_word(), task)
        _write_line(self._process, marked(heard.word, encode(task)))
        end_s = time.monotonic() + START_S + task.longest_s(silence_s)
        while True:
            try:
                line = self._next_line(end_s)
            except queue.Empty:
                yield WorkerDied(Failure("timeout", self._too_long(end_s)))
                return False
            self._patience = silence_s
            code = self._exit_code() if line is None else heard.exit_code(line)
            if code is not None:
                if not heard.is_done:
                    yield WorkerDied(death(code, last_words(self._errors, self._errors_read), kills))
                self._errors_read = self._errors.seek(0, os.SEEK_END)
                return line is not None  # a fork server outlives its child
            was_strange, event = heard.is_strange, heard.event(line or "")
            if was_strange and (line or "").strip():
                yield WorkerDied(Failure("failed", STRANGE))
                return False
            reply = (yield event) if event else None
            if reply is not None:
                _write_line(self._process, reply)

    def _next_line(self, end_s: float) -> str | None:
        """Return the next line; None after the last. Raises queue.Empty after silence, or at `end_s`."""
        left_s = end_s - time.monotonic()
        if left_s <= 0:
            raise queue.Empty
        return self._lines.next(min(self._patience, left_s), self.has_ended)

    def _exit_code(self) -> int:
        """Return the exit code of a process that has closed its pipe; end one that goes on."""
        try:
            return self._process.wait(timeout=GRACE_S)
        except subprocess.TimeoutExpired:
            self._process.kill()
            return self._process.wait()

    def _too_long(self, end_s: float) -> str:
        if time.monotonic() >= end_s:
            return "it gave signs of life, but did not end"
        return f"no sign of life for {self._patience:.0f} s"

    def has_ended(self) -> bool:
        """Return whether the process has ended."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Kill the process, its forks, and what they started."""
        has_ended = self.has_ended()  # another process may have its number then
        descendants = [] if has_ended else _descendants(self._process.pid)
        self._process.kill()
        if FORKS and not has_ended:
            with contextlib.suppress(OSError):  # it may have ended
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for each in descendants:  # a network may have given them a session of their own
            with contextlib.suppress(psutil.Error):
                each.kill()
        self._lines.close()
        for stream in (self._process.stdin, self._errors):
            if stream:
                _close(stream)


def _started(python: str, module: str, environment: Mapping[str, str]) -> tuple[subprocess.Popen[str], IO[bytes]]:
    """Return a new process and its stderr. Raises NothingMeasuredError if it cannot be started."""
    files.here()  # torch does not load where the working folder is gone
    try:
        with contextlib.ExitStack() as undone:
            errors = undone.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                [python, "-P", "-c", _PROGRAM.replace("MODULE", module)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environment),
                start_new_session=True,  # Ctrl-C reaches only the listener, which ends the worker
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            undone.pop_all()
    except OSError as error:
        raise NothingMeasuredError(f"no worker could be started: {error.strerror}") from None
    return process, errors


def _descendants(pid: int) -> list[psutil.Process]:
    """Return the processes that a process has started, and those that they have."""
    try:
        return psutil.Process(pid).children(recursive=True)
    except psutil.Error:  # it has ended
        return []


def _write_line(process: subprocess.Popen[str], line: str) -> None:
    try:
        assert process.stdin  # noqa: S101
        process.stdin.write(line + "\n")
        process.stdin.flush()
    except OSError:
        pass  # it died at once: `run` reports its exit code


def _close(stream: IO[str] | IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # flushing the buffer fails if the process has ended
        stream.close()
