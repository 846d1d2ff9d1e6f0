"""A worker: a fresh process that reads one task from stdin and writes events to stdout."""

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
from benchcli.measure.protocol import PROFILE, SERVE, SURVEY, Described, Done, Event, Task, decode_task, encode_event

Send = Callable[[Event], None]
Hear = Callable[[], str]
PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36
"""linux/prctl.h"""


def main() -> None:
    """Do the task on stdin. What a network prints goes to stderr: stdout belongs to the events."""
    events, orders = event_stream(), order_stream()
    end_with_parent()
    prefer_oom_kill()
    task = decode_task(orders.readline())
    do(task, sender(events), orders.readline)


def event_stream() -> TextIO:
    """Return a stream of its own onto stdout, and let stdout itself lead to stderr."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what was printed must not come after an error's last line
    return events


def order_stream() -> TextIO:
    """Return a stream of its own from stdin, and let stdin itself be empty: a network that reads it must not wait."""
    orders = os.fdopen(os.dup(sys.stdin.fileno()), encoding="utf-8")
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, sys.stdin.fileno())
    os.close(nothing)
    return orders


def do(task: Task, send: Send, hear: Hear = lambda: "") -> None:
    """Do a task and send its events, in this process; `hear` returns the next line that it is told."""
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

    from benchcli.measure.worker import code_versions, live, profile, sample, survey

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
            else:
                sample.launch(task, send)


def software() -> dict[str, str]:
    """Return the versions of what decides a time."""
    import torch

    return {
        "benchcli": __version__,
        "python": platform.python_version(),
        "torch": torch.__version__,
        "libc": " ".join(platform.libc_ver()).strip() or platform.system(),
    }


def available() -> dict[str, str]:
    """Return the devices that torch sees here, with what each is."""
    return {device.name: device.title for device in DEVICES if not device.hidden and not device.missing(0)}


def prefer_oom_kill() -> None:
    """Let the kernel, short of memory, kill this worker before the process that keeps the results."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:
        return  # not Linux, or not allowed: nothing is lost but the order of preference


def end_with_parent() -> None:
    """Let Linux kill this process when its parent ends, however that ends and whatever this one is stuck in."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def adopt_orphans() -> None:
    """Let processes whose parent has ended become children of this one, where Linux can do that."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1)


def sender(stream: TextIO) -> Send:
    """Return what writes an event to the stream at once."""

    def send(event: Event) -> None:
        stream.write(encode_event(event) + "\n")
        stream.flush()

    return send
