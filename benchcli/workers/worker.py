"""A worker process: it reads one task from stdin and writes events to stdout."""

import ctypes
import io
import os
import platform
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TextIO

from benchcli import __version__
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.backends.runtimes.base import Runtime, runtime_named
from benchcli.schema.protocol import (
    EXPORT,
    KERNELS,
    LAUNCH,
    LAYERS,
    OPERATORS,
    PROFILE,
    ROOFS,
    SERVE,
    SURVEY,
    WRITE,
    Described,
    Done,
    Event,
    FilesRead,
    Send,
    Task,
    decode_task,
    encode_event,
)
from benchcli.spelling import given, messages_for
from benchcli.workers.pipe import MARK

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""linux/prctl.h"""


def main() -> None:
    """Do the task on stdin."""
    events, orders = open_streams()
    do(decode_task(orders.readline()), sender(events), orders.readline)


def open_streams() -> tuple[TextIO, TextIO]:
    """Return the streams of events and of orders, and prepare the process for networks.

    What a network prints goes to stderr, and its stdin is empty: it would wait for ever.
    """
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Line buffering: printed text must not appear after the last line of an error.
        sys.stdout.reconfigure(line_buffering=True)
    orders = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    null_device = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null_device, sys.stdin.fileno())
    os.close(null_device)
    end_with_parent()
    _adopt_orphans()
    _prefer_oom_kill()
    return events, orders


def do(task: Task, send: Send, receive: Callable[[], str] = lambda: "") -> None:
    """Do a task in this process and send its events. `receive` returns the next line of orders."""
    with messages_for(task.reader), _denormals_flushed(task.target.flush_denormal) as refused:
        described = _described(task, refused)
        send(described)
        if not (described.missing or described.unusable or described.refused):
            import torch

            from benchcli.guards import code_versions, read_files
            from benchcli.workloads import live_networks

            live_networks.receive(task.live)
            # Costs are counted from what is dispatched, which inference mode changes, and exporters trace it.
            inference = torch.inference_mode(task.kind not in {SURVEY, EXPORT, WRITE})
            with read_files.noting(), code_versions.released(), inference:
                _function_for(task.kind, receive)(task, send)
                if read := read_files.hashes():
                    send(FilesRead(read))
    send(Done())


def _function_for(kind: str, receive: Callable[[], str]) -> Callable[[Task, Send], None]:
    """Return what does tasks of a kind."""
    from benchcli.sampling import (
        kernel_names,
        launch,
        layer_times,
        operator_times,
        profile,
        roof_rates,
        survey,
        written_programs,
    )

    functions: dict[str, Callable[[Task, Send], None]] = {
        SURVEY: survey.survey,
        EXPORT: launch.export,
        WRITE: written_programs.write,
        SERVE: partial(launch.serve, receive=receive),
        PROFILE: profile.profile,
        LAYERS: layer_times.time_layers,
        KERNELS: kernel_names.name_kernels,
        ROOFS: roof_rates.reach,
        OPERATORS: operator_times.time_operators,
        LAUNCH: launch.launch,
    }
    return functions[kind]


@contextmanager
def _denormals_flushed(flushed: bool) -> Iterator[str | None]:
    """Let the processor take denormal numbers for zero during the block, or yield why it cannot.

    Threads inherit this from the one that starts them: it comes before torch starts its own.
    """
    if not flushed:
        yield None
        return
    import torch

    done = torch.set_flush_denormal(True)
    try:
        yield (
            None
            if done
            else f"this processor cannot take denormal numbers for zero: leave {given('flush_denormal')} out"
        )
    finally:
        torch.set_flush_denormal(False)


def _described(task: Task, refused: str | None) -> Described:
    """Prepare the device for the task, and return what is there."""
    kind, index = split_name(task.target.device)
    device, runtime = DEVICES[kind], runtime_named(task.target.runtime)
    missing = device.missing(index)
    if not missing:
        device.configure(task.target.threads, index)
    unusable = None if missing else runtime.missing(device)
    facts = {} if missing else device.facts(index)
    return Described(software(runtime, unusable), facts, missing, available(), unusable, refused)


def software(runtime: Runtime, unusable: str | None) -> dict[str, str]:
    """Return the versions of the software that affects measured times, the runtime's included if it is there."""
    import torch

    return {
        "benchcli": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "libc": " ".join(platform.libc_ver()).strip() or platform.system(),
        **({} if unusable else runtime.versions()),
    }


def available() -> dict[str, str]:
    """Return the title of each device that torch can use here, by name."""
    return {device.name: device.title for device in DEVICES if not device.hidden and not device.missing(0)}


def _prefer_oom_kill() -> None:
    """Make the kernel kill this worker, not the engine, when memory runs out.

    The engine holds the results.
    """
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:
        return  # Not Linux, or not allowed: only the preference is lost.


def end_with_parent() -> None:
    """Make Linux kill this process when its parent ends, even if this process hangs."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _adopt_orphans() -> None:
    """Make this process the parent of orphaned descendants. Only Linux supports this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def sender(stream: TextIO) -> Send:
    """Return a function that writes an event to the stream and flushes it.

    Only this process may: a process that a network forks inherits the function and the stream.
    """
    own = os.getpid()

    def send(event: Event) -> None:
        if os.getpid() != own:
            raise RuntimeError("a process that a network forked does not report to benchcli")
        stream.write(MARK + encode_event(event) + "\n")
        stream.flush()

    return send
