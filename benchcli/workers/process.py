"""Start workers and yield their events, up to a last one however the worker ends."""

import contextlib
import os
import queue
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import weakref
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain
from pathlib import Path
from types import TracebackType
from typing import IO

import psutil

import benchcli
from benchcli import files
from benchcli.errors import ChangedError, NothingMeasuredError, UserError
from benchcli.schema import Failure, Target
from benchcli.schema.protocol import (
    CHANGED,
    Conversation,
    Done,
    Ended,
    Event,
    FilesRead,
    Launcher,
    Task,
    WorkerDied,
    encode,
)
from benchcli.workers.pipe import GRACE_S, Lines, event_in
from benchcli.workers.variables import MEASURED, worker_environment

START_S = 300.0
"""Time allowed for a worker to load torch from a cold disk."""
RENEW = 16
"""Launches per fork server. A new fork server loads its libraries at other addresses."""
BESIDE = 2
"""How many fork servers start at once where the first ones are started ahead and are used up."""
_Variables = frozenset[tuple[str, str]]
"""The variables of an environment."""
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


class Workers:
    """A launcher of fresh workers, as a context manager.

    With `forks`, each is forked from a fork server, which only imports torch; a new fork server
    replaces it after `renew` launches. Each environment, such as a number of threads, has its own.
    Fork servers for the targets of `ahead` start at the beginning of the block, one for each, and later
    ones by twos: they load torch beside each other, and no worker runs before all have.
    What `torch.compile` makes in one worker is there for the others, and removed with the block.
    The files that workers read must stay as the first one found them: else ChangedError is raised.
    """

    def __init__(
        self, forks: bool = FORKS, python: str = sys.executable, renew: int = RENEW, ahead: Sequence[Target] = ()
    ) -> None:
        self._forks, self._python, self._renew = forks, python, renew
        self._ahead = ahead if forks else ()
        self._processes: dict[_Variables, _Process] = {}
        self._waiting: dict[_Variables, list[_Process]] = {}
        """What was started ahead and has no task yet."""
        self._read: dict[str, str] = {}
        """The hashes of the files that workers have read."""
        self._compiled = _folder()
        self._remove = weakref.finalize(self, shutil.rmtree, self._compiled or "", ignore_errors=True)

    def __enter__(self) -> Launcher:
        """Return the launcher, whose workers end with the block."""
        for target in self._ahead:
            variables = self._variables(target)
            self._waiting.setdefault(variables, []).append(self._new(variables))
        return self.run

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """End all processes."""
        for process in (*self._processes.values(), *self._all_waiting()):
            process.end()
        self._remove()

    def run(self, task: Task, silence_s: float) -> Conversation:
        """Run a task in a fresh worker and yield its events; after the first it may be silent for `silence_s`."""
        process = self._process(self._variables(task.target))
        for each in (process, *self._all_waiting()):
            each.load()
        events = process.events(silence_s, START_S + task.longest_s(silence_s))
        line: str | None = encode(task)
        try:
            while True:
                if line is not None:
                    with contextlib.suppress(OSError):  # it died at once: its exit code is read next
                        process.orders.write(line + "\n")
                event = next(events, None)
                if event is None:
                    return process.is_free
                if isinstance(event, FilesRead):
                    self._refuse_changed(event.hashes)
                line = yield event
        finally:
            if not process.is_free:  # it ended, its child hangs, or nobody listens any more
                process.end()

    def _refuse_changed(self, hashes: Mapping[str, str]) -> None:
        """Raise ChangedError if a file is not what it was for an earlier worker."""
        for path, now in hashes.items():
            if now == CHANGED or self._read.setdefault(path, now) != now:
                raise ChangedError(f"{path} changed while it was measured")

    def _process(self, variables: _Variables) -> "_Process":
        """Return the process of an environment that takes the next task: another one if the last is used up."""
        process = self._processes.get(variables)
        if process is None or process.launches >= self._renew or process.has_ended():
            if process is not None:
                process.end()
            waiting = self._waiting.setdefault(variables, [])
            if not waiting:
                waiting += [self._new(variables) for _ in range(BESIDE if self._ahead else 1)]
            process = self._processes[variables] = waiting.pop(0)
        return process

    def _all_waiting(self) -> Iterator["_Process"]:
        return chain.from_iterable(self._waiting.values())

    def _variables(self, target: Target) -> _Variables:
        return frozenset(worker_environment(target, compiled=self._compiled).items())

    def _new(self, variables: _Variables) -> "_Process":
        return _Process(self._python, "forkserver" if self._forks else "worker", dict(variables))


class _Process:
    """A running worker or fork server, with its output lines and its stderr."""

    def __init__(self, python: str, module: str, environment: Mapping[str, str]) -> None:
        self._process, self._errors = _started(python, module, environment)
        assert self._process.stdin  # noqa: S101
        assert self._process.stdout  # noqa: S101
        self.orders = self._process.stdin
        """Takes lines, each of which is sent at once."""
        self._lines = Lines(self._process.stdout)
        self._patience, self._errors_read = START_S, 0
        self._is_loading = module == "forkserver"
        self.launches = 0
        self.is_free = True
        """Whether it can take another task."""

    def load(self) -> None:
        """Wait until a fork server has loaded torch, which it tells by an empty line, or has ended."""
        if not self._is_loading:
            return
        self._is_loading = False
        with contextlib.suppress(queue.Empty):
            while (self._lines.next(START_S, self.has_ended) or "").strip():
                pass  # other lines are the interpreter's

    def events(self, silence_s: float, longest_s: float) -> Iterator[Event | WorkerDied]:
        """Yield the events of the task that was sent, within these limits of time."""
        kills, end_s = kills_for_memory(), time.monotonic() + longest_s
        self.launches, self.is_free = self.launches + 1, False
        is_done = is_strange = has_begun = False
        while True:
            try:
                line = self._next_line(end_s)
            except queue.Empty:
                yield WorkerDied(Failure("timeout", self._too_long(end_s)))
                return
            self._patience = silence_s
            event = Ended(self._exit_code()) if line is None else event_in(line)
            if isinstance(event, Ended):
                words = self._last_words()
                if not is_done:
                    yield WorkerDied(death(event.code, words, kills))
                self.is_free = line is not None  # a fork server outlives its child
                return
            if line is None or not line.strip():
                continue
            if is_strange:  # a killed worker leaves half a line too, but none after it
                yield WorkerDied(Failure("failed", STRANGE))
                return
            has_begun = has_begun or event is not None
            is_strange = has_begun and event is None  # earlier lines are the interpreter's
            is_done = is_done or isinstance(event, Done)
            if event:
                yield event

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

    def _last_words(self) -> str:
        """Return the last line of stderr that this task has written; empty if there is none."""
        self._errors.seek(self._errors_read)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        self._errors_read = self._errors.tell()
        return lines[-1].strip()[:300] if lines else ""

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
        for stream in (self.orders, self._errors):
            with contextlib.suppress(OSError):  # flushing the buffer fails if the process has ended
                stream.close()


def _folder() -> Path | None:
    """Return a new folder; None where there can be none, which only costs time."""
    try:
        return Path(tempfile.mkdtemp(prefix="benchcli-"))
    except OSError:
        return None


def _started(python: str, module: str, environment: Mapping[str, str]) -> tuple[subprocess.Popen[str], IO[bytes]]:
    """Return a new process and its stderr. Raises NothingMeasuredError if it cannot be started.

    Raises UserError in a measured process: its network would measure itself, without an end.
    """
    if os.environ.get(MEASURED):
        raise UserError("a network that is measured calls benchcli, which would measure in turn: take the call out")
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
                bufsize=1,  # lines
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


def death(code: int, words: str, kills: int) -> Failure:
    """Return the failure of a worker by its exit code and the last line of its stderr.

    `kills` is `kills_for_memory` when its task began.
    """
    if code < 0:
        if -code == signal.SIGKILL and kills_for_memory() > kills:
            return Failure("out-of-memory", "the kernel, short of memory, killed the worker")
        names = {each.value: each.name for each in signal.Signals}
        return Failure("crashed", f"the worker was ended by {names.get(-code, f'signal {-code}')}")
    return Failure("crashed", f"its process ended with exit code {code}{f': {words}' if words else ''}")


def kills_for_memory() -> int:
    """Return how many processes the kernel killed for lack of memory; 0 if not reported."""
    try:
        counters = dict(line.split() for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines())
    except (OSError, ValueError):
        return 0
    return int(counters.get("oom_kill", 0))
