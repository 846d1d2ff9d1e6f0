"""Start a worker and listen to it: whatever it does, the listener gets events and then an end."""

import contextlib
import queue
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import benchcli
from benchcli.measure.environment import worker_environment
from benchcli.measure.protocol import Done, Event, Task, decode_event, encode_task
from benchcli.schema import Failure

START_S = 300.0
"""Time to load torch from a cold disk."""
_ROOT = str(Path(benchcli.__file__).parent.parent)
# -P: a torch.py in the user's folder must not pass for torch. The package's own place comes last on the path.
_COMMAND = [sys.executable, "-P", "-c"]
_PROGRAM = f"import sys; sys.path.append({_ROOT!r}); from benchcli.measure.worker import main; main()"


@dataclass(frozen=True)
class Died:
    """The worker ended before it was done; the failure is that of the variant under way."""

    failure: Failure


Launcher = Callable[[Task, float], Iterator[Event | Died]]
"""Runs a task; yields its events, the last of them `Done` or `Died`. The number is the silence allowed, in s."""


def run_worker(task: Task, silence_s: float) -> Iterator[Event | Died]:
    """Run a task in a fresh process with an environment built from nothing."""
    with tempfile.TemporaryFile() as errors:
        process = subprocess.Popen(
            [*_COMMAND, _PROGRAM],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=worker_environment(task.target),
            start_new_session=True,  # Ctrl-C is for the listener alone, which then ends the worker
            text=True,
            encoding="utf-8",
        )
        kills = _kills()
        try:
            yield from _listen(process, task, silence_s, errors, kills)
        finally:
            process.kill()
            process.wait()
            for stream in (process.stdin, process.stdout):
                if stream:
                    _close(stream)


def _listen(
    process: subprocess.Popen[str], task: Task, silence_s: float, errors: IO[bytes], kills: int
) -> Iterator[Event | Died]:
    lines: queue.SimpleQueue[str | None] = queue.SimpleQueue()
    threading.Thread(target=_read, args=(process, lines), daemon=True).start()
    _tell(process, encode_task(task))
    patience = START_S
    while True:
        try:
            line = lines.get(timeout=patience)
        except queue.Empty:
            yield Died(Failure("timeout", f"no sign of life for {patience:.0f} s"))
            return
        if line is None:
            yield Died(_death(process.wait(), _tail(errors), kills))
            return
        event = decode_event(line)
        yield event
        if isinstance(event, Done):
            return
        patience = silence_s


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


def _close(stream: IO[str]) -> None:
    with contextlib.suppress(OSError):  # what was left in the buffer was for a process that is gone
        stream.close()


def _death(code: int, tail: str, kills: int) -> Failure:
    if code < 0:
        if signal.Signals(-code) == signal.SIGKILL and _kills() > kills:
            return Failure("out-of-memory", "the kernel, short of memory, killed the worker")
        return Failure("crashed", f"the worker was ended by {signal.Signals(-code).name}")
    return Failure("crashed", f"the worker ended with exit code {code}: {tail}" if tail else f"exit code {code}")


def _tail(errors: IO[bytes]) -> str:
    errors.seek(0)
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
