"""A worker without torch, which speaks the protocol and starts in a tenth of the time.

It takes the place of what a worker does, `do`, and of nothing else: the processes, their pipes, the
fork server and the ways to die are the real ones. A network is the name of what it does, as in
`tests/faulty.py`.
"""

import importlib
import os
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from benchcli.schema import Key, Output, OutputPart
from benchcli.schema.protocol import (
    LAUNCH,
    SURVEY,
    Counted,
    Described,
    Done,
    Failed,
    Ready,
    Sampled,
    Send,
    Started,
    Task,
    Waiting,
    Watched,
    decode_question,
)
from benchcli.workers import process
from tests.values import COSTS, conditions, sample

Kinds = dict[Key, str]
"""What each network does."""
LATE = 2
"""The round in which what goes wrong late does so."""
PROGRAM = f"""
import sys
sys.path.insert(0, {str(Path(__file__).parents[2])!r})
from tests.workers.stand_in import main
main("MODULE")
"""


@contextmanager
def stand_ins() -> Iterator[None]:
    """Start stand-ins instead of workers."""
    import pytest  # each stand-in imports this file, and needs no pytest

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(process, "_PROGRAM", PROGRAM)
        yield


def main(module: str) -> None:
    """Run a worker, or a fork server, that does the stand-in's work."""
    program = importlib.import_module(f"benchcli.workers.{module}")
    program.do = do  # type: ignore[attr-defined]
    program._import_all = lambda: None  # type: ignore[attr-defined]
    program.main()


def do(task: Task, send: Send, hear: Callable[[], str] = lambda: "") -> None:
    """Do a task and send its events."""
    send(Described({"torch": "stand-in"}, {"pid": os.getpid(), "ppid": os.getppid()}, None, {"cpu": "CPU"}))
    kinds = {(family.name, v.name): str(v.params["kind"]) for family in task.families for v in family.variants}
    ready = {key: kind for key, kind in kinds.items() if _is_built(key, kind, send)}
    if task.kind == SURVEY:
        for key in ready:
            send(Counted(*key, COSTS, Output((OutputPart("", "float32", (4, 8, 8), fingerprint=(1.0,)),))))
    elif task.kind == LAUNCH:
        _launch(task, ready, send)
    else:
        _serve(task, ready, send, hear)
    send(Done())


def _launch(task: Task, ready: Kinds, send: Send) -> None:
    for number in range(max(LATE + 1, task.rounds)):
        for key, kind in ready.items():
            _sample(task, key, kind, number, send)
    for family in task.families:
        send(Watched(family.name, conditions(task.launch)))


def _serve(task: Task, ready: Kinds, send: Send, hear: Callable[[], str]) -> None:
    for key in ready:
        send(Ready(*key, 1))
    send(Waiting())
    while (line := hear()) and (question := decode_question(line)):
        key = question.family, question.variant
        _sample(task, key, ready[key], question.round, send)
    send(Watched("", conditions(task.launch)))


def _is_built(key: Key, kind: str, send: Send) -> bool:
    """Do what a network does when it is built and first called; return whether it can be."""
    send(Started(*key))
    if kind == "raises":
        send(Failed(*key, "failed", "ValueError: it does not like its input"))
        return False
    if kind == "aborts":
        os.abort()
    elif kind == "exits":
        os._exit(3)
    elif kind == "hangs":
        time.sleep(3600)
    elif kind == "prints":
        print("this must not reach the events")  # noqa: T201
    elif kind == "reads":
        assert sys.stdin.read() == ""
    return True


def _sample(task: Task, key: Key, kind: str, number: int, send: Send) -> None:
    """Send a sample; go wrong in the middle of the rounds."""
    send(Started(*key))
    if number >= LATE and kind == "dies_late":
        os._exit(3)
    if number >= LATE and kind == "raises_late":
        send(Failed(*key, "failed", "ValueError: enough"))
        raise ValueError("enough")
    send(Sampled(key[0], sample(key[1], task.launch, number, 0.001)))
