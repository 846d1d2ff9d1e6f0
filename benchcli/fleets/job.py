"""A job of a fleet: the run that one host measures, and its folder there, whose files are what counts.

Whoever carries a job out, and however often, an engine or nobody's, it measures what the folder lacks.
"""

import hashlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchcli import __version__, files
from benchcli.errors import INTERRUPTED, UserError
from benchcli.runs.folder import LOCK
from benchcli.runs.run_folder import RunFolder
from benchcli.schema.structure import StructureError, structure

FILES = tuple(name for name in RunFolder.names() if name != LOCK)
"""The files that a host sends; no other name is written anywhere."""
RUN, JOB, STATE, ENDING, LOG, PRINTED = "run", "job.json", "state", "ended.json", "log.txt", "printed.txt"
"""What the folder of a job has besides its suite: its run, and files about it."""
INTERRUPT = "interrupted"
"""The reason of an attempt that was ended from outside."""
PASSED_ON = (
    *("HOME", "USER", "LOGNAME", "PATH", "LANG", "LC_ALL", "TMPDIR", "VIRTUAL_ENV", "PYTHONPATH"),
    *("LD_LIBRARY_PATH", "CUDA_VISIBLE_DEVICES", "XDG_CACHE_HOME", "XDG_DATA_HOME", "BENCHCLI_CACHE"),
)
"""The variables that a measurement gets; an engine sets others, which change how memory is kept and threads run."""
POLL_S = 0.5
"""Seconds between two looks at what is new: a look reads no more than the sizes of some files."""
PIECE_BYTES = 2**22
"""The largest piece of a file that is sent at once."""


@dataclass(frozen=True)
class Job:
    """What a host is asked to measure."""

    fleet: str
    """The fleet that it is of: a name that no other has."""
    name: str
    """The host, or the label of the hosts of which one takes it."""
    suite: str
    """The name of a suite that ships, or of the file with `text`."""
    text: str
    """The content of the suite's file; empty for one that ships."""
    words: tuple[str, ...]
    """The options of `benchcli run`."""
    wait_s: float
    """Seconds for which a noisy host is waited for."""
    beside: str = ""
    """The folder of the suite's file, from which a host that has it too imports networks."""
    version: str = __version__
    """The version of benchcli that asks."""
    has: Mapping[str, str] = field(default_factory=dict)
    """The hashes of the files that whoever asks has already, by name."""


@dataclass(frozen=True)
class Piece:
    """A part of a file of a job's run."""

    file: str
    at: int
    """Where it belongs, in bytes. At 0 the file is written anew."""
    content: bytes


@dataclass(frozen=True)
class State:
    """What a job does now."""

    text: str


@dataclass(frozen=True)
class JobEnded:
    """How an attempt at a job has ended."""

    code: int
    """The exit code of `benchcli run`."""
    reason: str
    """Its last line, if it did not end well."""
    hashes: Mapping[str, str]
    """Those of all files of the run, by name."""
    is_finished: bool = False
    """Whether every network was measured, or has failed."""
    host: str = ""
    """The machine that did it."""


Event = Piece | State | JobEnded
EVENTS: Mapping[str, type[Any]] = {"piece": Piece, "state": State, "ended": JobEnded}


def written(event: Event) -> dict[str, Any]:
    """Return an event as plain data: texts, numbers and bytes."""
    kind = next(name for name, kind in EVENTS.items() if isinstance(event, kind))
    return {"kind": kind, **asdict(event)}


def read(data: object) -> Event:
    """Return the event that plain data from a host stands for. Raises StructureError."""
    kind = EVENTS.get(str(data.get("kind"))) if isinstance(data, dict) else None
    if kind is None or not isinstance(data, dict):
        raise StructureError("no event of a job")
    if kind is not Piece:
        event: Event = structure(data, kind)
        return event
    file, at, content = (data.get(name) for name in ("file", "at", "content"))
    if file not in FILES or not isinstance(at, int) or not isinstance(content, bytes):
        raise StructureError("no piece of a file of a run")
    if not 0 <= at <= files.MOST_BYTES - len(content):
        raise StructureError("a piece beyond the largest file that is read")
    return Piece(file, at, content)


def safe_name(name: str) -> str:
    """Return a name as a folder has it."""
    return re.sub(r"[^\w.=-]", "-", name).lstrip(".") or "-"


def folder_of(job: Job) -> Path:
    """Return the folder of a job on this host, which another host with the same home does not share."""
    home = os.environ.get("XDG_DATA_HOME")
    fleets = (Path(home) if home else Path.home() / ".local" / "share") / "benchcli" / "fleets"
    return fleets / safe_name(job.fleet) / safe_name(socket.gethostname()) / safe_name(job.name)


def hashes_of(run: Path) -> dict[str, str]:
    """Return the hashes of a run's files, by name."""
    return {name: _hash((run / name).read_bytes()) for name in FILES if files.is_file(run / name)}


def _hash(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def carry_out(job: Job, send: Callable[[Event], None], is_wanted: Callable[[], bool] = lambda: True) -> JobEnded:
    """Measure what the folder of a job lacks, in a fresh process, and send what is new; return how it ended.

    The process has an environment of its own, waits until no other job is measured on this host, and
    ends when the caller does, or when the job is not wanted any more. Raises UserError if the folder
    cannot be written.
    """
    folder = folder_of(job)
    prepare(job, folder)
    sender = Sender(folder / RUN, job.has)
    state = ""
    with _started(folder, job.beside) as process:
        while process.poll() is None and is_wanted():
            for piece in sender.new():
                send(piece)
            if (now := _state(folder)) != state:
                state = now
                send(State(state))
            time.sleep(POLL_S)
    for piece in sender.new():
        send(piece)
    code = process.returncode
    hashes, is_finished = hashes_of(folder / RUN), ended(folder) is not None
    ending = JobEnded(code, _reason(folder, code), hashes, is_finished, socket.gethostname())
    send(ending)
    return ending


def ended(folder: Path) -> int | None:
    """Return the exit code of a job that is finished; None if it is not."""
    if not files.is_file(folder / ENDING):
        return None
    return int(json.loads(files.read_text(folder / ENDING))["code"])


def prepare(job: Job, folder: Path) -> None:
    """Write what the process of a job reads. Raises UserError if that cannot be done."""
    if job.version != __version__:
        raise UserError(
            f"{job.name} has benchcli {__version__}, and benchcli {job.version} asks: install the same version on both"
        )
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UserError(f"{folder} cannot be made on {job.name}: {error.strerror}") from None
    suite = folder / Path(job.suite).name
    if job.text:
        files.replace(suite, job.text)
    words = ["run", str(suite) if job.text else job.suite, *job.words]
    files.replace(folder / JOB, json.dumps({"words": words, "wait_s": job.wait_s}))


@contextmanager
def _started(folder: Path, beside: str) -> Iterator["subprocess.Popen[bytes]"]:
    """Yield the process of a job, which is asked to end if the block does."""
    variables = {name: os.environ[name] for name in PASSED_ON if name in os.environ}
    if beside and Path(beside).is_dir():
        variables["PYTHONPATH"] = os.pathsep.join(filter(None, (beside, variables.get("PYTHONPATH"))))
    with files.emptied(folder / LOG) as log, files.emptied(folder / PRINTED) as printed:
        process = subprocess.Popen(
            [sys.executable, "-m", "benchcli.fleets.on_host", str(folder)],
            stdin=subprocess.PIPE,
            stdout=printed,
            stderr=log,
            cwd=folder,
            env=variables,
            start_new_session=True,
        )
    try:
        yield process
    finally:
        if process.stdin:
            process.stdin.close()  # at whose end the process ends
        process.wait()


class Sender:
    """Finds what is new in the files of a run."""

    def __init__(self, run: Path, has: Mapping[str, str]) -> None:
        self._run = run
        self._known = {name: _look(run / name) for name, found in hashes_of(run).items() if has.get(name) == found}

    def new(self) -> Iterator[Piece]:
        """Yield what was written since the last call, file by file in the order in which runs write them."""
        for name in FILES:
            before, now = self._known.get(name), _look(self._run / name)
            if now is None or now == before:
                continue
            begin = before[0] if before and before[1] == now[1] and before[0] <= now[0] else 0
            yield from _pieces(self._run / name, begin, now[0])
            self._known[name] = now


Look = tuple[int, int]
"""The size of a file and its number in the file system, which changes when it is replaced."""


def _look(path: Path) -> Look | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_size, found.st_ino


def _pieces(path: Path, begin: int, end: int) -> Iterator[Piece]:
    with path.open("rb") as stream:
        stream.seek(begin)
        while begin < end:
            content = stream.read(min(PIECE_BYTES, end - begin))
            if not content:
                return
            yield Piece(path.name, begin, content)
            begin += len(content)


def _state(folder: Path) -> str:
    try:
        return (folder / STATE).read_text(encoding="utf-8")
    except OSError:
        return ""


def _reason(folder: Path, code: int) -> str:
    """Return the last line that a process has said, if it did not end well."""
    if code == 0:
        return ""
    if code in (INTERRUPTED, -signal.SIGTERM, -signal.SIGKILL):
        return INTERRUPT
    return last_line(folder / LOG) or f"its process ended with {code}, and said nothing"


def last_line(log: Path) -> str:
    """Return the last line of what a process has said, without the name of the program; empty if it said nothing."""
    lines = log.read_text(encoding="utf-8", errors="replace").strip().splitlines()
    return lines[-1].removeprefix("benchcli: ") if lines else ""
