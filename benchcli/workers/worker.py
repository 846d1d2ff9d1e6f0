"""A worker process: it reads one task from stdin and writes events to stdout."""

import ctypes
import io
import os
import platform
import signal
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TextIO

from benchcli import __version__
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.schema.protocol import (
    LAYERS,
    PROFILE,
    SERVE,
    SURVEY,
    Described,
    Done,
    Event,
    Task,
    decode_task,
    encode_event,
)
from benchcli.workers.pipe import marked, parted

Send = Callable[[Event], None]
Hear = Callable[[], str]
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""linux/prctl.h"""


def main() -> None:
    """Do the task on stdin. A network's printed text goes to stderr: stdout carries the events."""
    events, orders = event_stream(), order_stream()
    end_with_parent()
    prefer_oom_kill()
    adopt_orphans()
    word, text = parted(orders.readline())
    do(decode_task(text), sender(events, word), orders.readline)


def event_stream() -> TextIO:
    """Return a new stream onto stdout, and redirect stdout itself to stderr."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if isinstance(sys.stdout, io.TextIOWrapper):
        # Line buffering: printed text must not appear after the last line of an error.
        sys.stdout.reconfigure(line_buffering=True)
    return events


def order_stream() -> TextIO:
    """Return a new stream from stdin, and make stdin itself empty.

    A network that reads stdin would otherwise wait forever.
    """
    orders = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    null_device = os.open(os.devnull, os.O_RDONLY)
    os.dup2(null_device, sys.stdin.fileno())
    os.close(null_device)
    return orders


def do(task: Task, send: Send, hear: Hear = lambda: "") -> None:
    """Do a task in this process and send its events. `hear` returns the next line of orders."""
    kind, index = split_name(task.target.device)
    device = DEVICES[kind]
    missing = device.missing(index)
    if not missing:
        device.configure(task.target.threads, index)
    send(Described(software(), {} if missing else device.facts(index), missing, available()))
    if not missing:
        _work(task, send, hear)
    send(Done())


def _work(task: Task, send: Send, hear: Hear) -> None:
    import torch

    from benchcli.guards import code_versions
    from benchcli.sampling import launch as sample
    from benchcli.sampling import layer_times as layers
    from benchcli.sampling import profile, survey
    from benchcli.workloads import live_networks as live

    live.receive(task.live)
    with code_versions.released():
        if task.kind == SURVEY:
            survey.survey(task, send)
            return
        with torch.inference_mode():
            if task.kind == SERVE:
                sample.serve(task, send, hear)
            elif task.kind == PROFILE:
                profile.profile(task, send)
            elif task.kind == LAYERS:
                layers.time_layers(task, send)
            else:
                sample.launch(task, send)


def software() -> dict[str, str]:
    """Return the versions of the software that affects measured times."""
    import torch

    return {
        "benchcli": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "libc": " ".join(platform.libc_ver()).strip() or platform.system(),
    }


def available() -> dict[str, str]:
    """Return the title of each device that torch can use here, by name."""
    return {device.name: device.title for device in DEVICES if not device.hidden and not device.missing(0)}


def prefer_oom_kill() -> None:
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


def adopt_orphans() -> None:
    """Make this process the parent of orphaned descendants. Only Linux supports this."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def sender(stream: TextIO, word: str) -> Send:
    """Return a function that writes an event to the stream and flushes it.

    Only this process may: a process that a network forks inherits the function and the stream.
    """
    own = os.getpid()

    def send(event: Event) -> None:
        if os.getpid() != own:
            raise RuntimeError("a process that a network forked does not report to benchcli")
        stream.write(marked(word, encode_event(event)) + "\n")
        stream.flush()

    return send
