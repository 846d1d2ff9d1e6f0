"""Start workers and listen to them: whatever they do, the listener gets events and then an end."""

import contextlib
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Generator, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

import benchcli
from benchcli.errors import NothingMeasuredError
from benchcli.measure.environment import worker_environment
from benchcli.measure.protocol import ENDED, Done, Event, Task, decode_event, encode_task
from benchcli.schema import Failure

START_S = 300.0
"""Time to load torch from a cold disk."""
RENEW = 16
"""So many launches are forked from one process; then another is started, whose libraries lie elsewhere in memory."""
FORKS = sys.platform == "linux"
"""Elsewhere a fork cannot be trusted with what libraries hold, or does not exist: every launch starts from nothing."""
_PACKAGE = str(Path(benchcli.__file__).parent)
# The worker is this benchcli, whatever its interpreter has installed, and nothing else is taken from where it lies.
# -P: a torch.py in the user's folder must not pass for torch.
_PROGRAM = f"""
import importlib.util, sys
spec = importlib.util.spec_from_file_location("benchcli", {_PACKAGE!r} + "/__init__.py")
sys.modules["benchcli"] = package = importlib.util.module_from_spec(spec)
spec.loader.exec_module(package)
from benchcli.measure.worker.MODULE import main
main()
"""


@dataclass(frozen=True)
class WorkerDied:
    """The worker ended before it was done; the failure is that of the variant under way."""

    failure: Failure


Conversation = Generator[Event | WorkerDied, str | None, bool]
"""A worker's events, the last of them `Done` or `WorkerDied`. What is sent to it is a line for the worker."""
Launcher = Callable[[Task, float], Conversation]
"""Runs a task; the number is the silence allowed, in s."""


@contextlib.contextmanager
def workers(forks: bool = FORKS, python: str = sys.executable, renew: int = RENEW) -> Iterator[Launcher]:
    """Yield what launches fresh workers, each forked from a process that has only imported torch, where that works.

    That process is replaced after `renew` launches.
    """
    if not forks:
        yield partial(run_worker, python=python)
        return
    server = _ForkServer(python, renew)
    try:
        yield server.run
    finally:
        server.end()


def run_worker(task: Task, silence_s: float, python: str = sys.executable) -> Conversation:
    """Run a task in a process that begins at nothing, in an environment built from nothing."""
    process = _Process(python, "main", worker_environment(task.target))
    try:
        return (yield from process.run(task, silence_s))
    finally:
        process.end()


class _ForkServer:
    """Keeps a process to fork launches from, and replaces it when it is used up, dead, or of another environment."""

    def __init__(self, python: str, renew: int) -> None:
        self._python = python
        self._renew = renew
        self._process: _Process | None = None
        self._left = 0

    def run(self, task: Task, silence_s: float) -> Conversation:
        """Run a task in a fresh fork."""
        process = self._ready(worker_environment(task.target))
        self._left -= 1
        usable = False
        try:
            usable = yield from process.run(task, silence_s)
        finally:
            if not usable:  # it is gone, its child hangs, or nobody listens any more
                self.end()
        return usable

    def end(self) -> None:
        """End the process and its child."""
        if self._process:
            self._process.end()
        self._process = None

    def _ready(self, environment: Mapping[str, str]) -> "_Process":
        process = self._process
        if process and (self._left <= 0 or process.has_ended() or process.environment != environment):
            self.end()
        if self._process is None:
            self._process, self._left = _Process(self._python, "forkserver", environment), self._renew
        return self._process


class _Process:
    """A running worker or fork server, the lines that it writes, and what it says on stderr."""

    def __init__(self, python: str, module: str, environment: Mapping[str, str]) -> None:
        self.environment = environment
        self._patience = START_S
        self._process, self._errors = _started(python, module, environment)
        self._lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
        threading.Thread(target=_read, args=(self._process, self._lines), daemon=True).start()

    def run(self, task: Task, silence_s: float) -> Conversation:
        """Hand a task over and yield what comes back; return whether another one can follow."""
        kills = _kills()
        said_before = self._errors.seek(0, os.SEEK_END)
        _tell(self._process, encode_task(task))
        done = False
        while True:
            try:
                line = self._lines.get(timeout=self._patience)
            except queue.Empty:
                yield WorkerDied(Failure("timeout", f"no sign of life for {self._patience:.0f} s"))
                return False
            self._patience = silence_s
            code = self._process.wait() if line is None else _exit_code(line)
            if code is not None:
                if not done:
                    yield WorkerDied(_death(code, _tail(self._errors, said_before), kills))
                return line is not None  # a fork server outlives its child
            event = _event(line or "")
            if isinstance(event, Done):
                done = True
            told = (yield event) if event else None
            if told is not None:
                _tell(self._process, told)

    def has_ended(self) -> bool:
        """Say whether it is gone."""
        return self._process.poll() is not None

    def end(self) -> None:
        """Kill it and what it has forked."""
        self._process.kill()
        if FORKS:
            with contextlib.suppress(OSError):  # it may be gone
                os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for stream in (self._process.stdin, self._process.stdout, self._errors):
            if stream:
                _close(stream)


def _started(python: str, module: str, environment: Mapping[str, str]) -> tuple[subprocess.Popen[str], IO[bytes]]:
    """Return a process and what it says on stderr. Raises NothingMeasuredError where the system has no more of them."""
    try:
        with contextlib.ExitStack() as undone:
            errors = undone.enter_context(tempfile.TemporaryFile())
            process = subprocess.Popen(
                [python, "-P", "-c", _PROGRAM.replace("MODULE", module)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env=dict(environment),
                start_new_session=True,  # Ctrl-C is for the listener alone, which then ends the worker
                text=True,
                encoding="utf-8",
                errors="replace",
            )
            undone.pop_all()
    except OSError as error:
        raise NothingMeasuredError(f"no worker could be started: {error.strerror}") from None
    return process, errors


def _event(line: str) -> Event | None:
    """Return the event in a line; None where a dying worker left half of one behind."""
    try:
        return decode_event(line)
    except (ValueError, KeyError, TypeError):
        return None


def _exit_code(line: str) -> int | None:
    """Return the exit code in a fork server's line that tells of one."""
    if not line.startswith(f'{{"{ENDED}"'):
        return None
    code: int = json.loads(line)[ENDED]
    return code


def _read(process: subprocess.Popen[str], lines: "queue.SimpleQueue[str | None]") -> None:
    try:
        for line in process.stdout or ():
            lines.put(line)
    except (OSError, ValueError):
        pass  # the listener closed the pipe: it no longer listens
    lines.put(None)


def _tell(process: subprocess.Popen[str], line: str) -> None:
    try:
        assert process.stdin  # noqa: S101
        process.stdin.write(line + "\n")
        process.stdin.flush()
    except OSError:
        pass  # it died at once: its end says how


def _close(stream: IO[str] | IO[bytes]) -> None:
    with contextlib.suppress(OSError):  # what was left in the buffer was for a process that is gone
        stream.close()


def _death(code: int, tail: str, kills: int) -> Failure:
    if code < 0:
        if -code == signal.SIGKILL and _kills() > kills:
            return Failure("out-of-memory", "the kernel, short of memory, killed the worker")
        known = {each.value: each.name for each in signal.Signals}
        return Failure("crashed", f"the worker was ended by {known.get(-code, f'signal {-code}')}")
    return Failure("crashed", f"the worker ended with exit code {code}: {tail}" if tail else f"exit code {code}")


def _tail(errors: IO[bytes], start: int) -> str:
    errors.seek(start)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""


def _kills() -> int:
    """Return how many processes the kernel has killed for memory, where it says."""
    try:
        counters: Mapping[str, str] = dict(
            line.split() for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
        )
    except (OSError, ValueError):
        return 0
    return int(counters.get("oom_kill", 0))
