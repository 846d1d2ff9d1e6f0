"""Workers that a client starts, here or over ssh, with a scheduler of its own."""

import contextlib
import logging
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchcli import files
from benchcli.errors import UserError
from benchcli.fleets import scheduler_address
from benchcli.fleets.job import last_line

GRACE_S = 20.0
"""Seconds that a worker has for ending what it measures."""


@dataclass(frozen=True)
class WorkerLine:
    """How a worker is started on a host."""

    name: str
    labels: tuple[str, ...] = ()
    python: str = sys.executable
    before: tuple[str, ...] = ()
    """The words before the interpreter, such as those of ssh."""

    def words(self, address: str, tls: Path | None) -> list[str]:
        """Return the words that start a worker, which ends when its stdin does."""
        of_worker = worker_words(address, self.labels, tls, self.name)
        return [*self.before, self.python, *of_worker, "--end-with-stdin"]


def worker_words(address: str, labels: Sequence[str], tls: Path | None, name: str = "") -> list[str]:
    """Return the words behind an interpreter that start a worker."""
    named = ["--name", name] if name else []
    labelled = [word for each in labels for word in ("--label", each)]
    secured = ["--tls", str(tls)] if tls else []
    return ["-m", "benchcli", "fleet", "worker", address, *named, *labelled, *secured]


def local_lines(count: int) -> list[WorkerLine]:
    """Return how so many workers are started on this machine."""
    return [WorkerLine(f"local-{number}") for number in range(1, count + 1)]


def ssh_lines(path: Path) -> list[WorkerLine]:
    """Return how workers are started on the hosts of a file, over ssh: a host in each line.

    Behind it may stand python=PATH, and labels such as gpu=h100. Raises UserError if the file has none.
    """
    lines = []
    for number, text in enumerate(files.read_text(path).splitlines(), 1):
        host, *rest = text.partition("#")[0].split() or [""]
        if not host:
            continue
        if host.startswith("-"):
            raise UserError(f"{path}:{number}: {host} is no name of a host")
        pythons = [each.removeprefix("python=") for each in rest if each.startswith("python=")]
        labels = tuple(each for each in rest if not each.startswith("python="))
        ssh = ("ssh", "-o", "BatchMode=yes", "-o", "ServerAliveInterval=15", host)
        lines.append(WorkerLine(host, labels, pythons[-1] if pythons else "python3", ssh))
    names = [each.name for each in lines]
    if not names or len(set(names)) < len(names):
        raise UserError(f"{path} names no host: write one in each line" if not names else f"{path} names a host twice")
    return lines


def real_name(host: str) -> str:
    """Return the name or address behind a host as ssh knows it: without its user, and not an alias of ssh's own."""
    ssh = shutil.which("ssh")
    words = [ssh, "-G", host] if ssh else []
    said = (
        subprocess.run(words, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL) if words else None
    )
    for line in said.stdout.splitlines() if said else ():
        key, _, value = line.partition(" ")
        if key == "hostname" and value:
            return value
    return host.rpartition("@")[2]


@dataclass
class WorkerProcess:
    """The process that starts a worker, here or by ssh."""

    process: "subprocess.Popen[bytes]"
    log: Path

    @property
    def has_ended(self) -> bool:
        """Whether it does not run any more."""
        return self.process.poll() is not None

    @property
    def said(self) -> str:
        """The last line that it wrote to stderr."""
        return last_line(self.log)


@dataclass(frozen=True)
class Cluster:
    """A scheduler of this process, and its workers by name."""

    address: str
    workers: Mapping[str, WorkerProcess]


@contextmanager
def started(lines: Sequence[WorkerLine], listen: str, tls: Path | None) -> Iterator[Cluster]:
    """Yield a scheduler in this process, with workers by these lines; all ends with the block."""
    from distributed import LocalCluster

    scheme = "tls" if tls else "tcp"
    cluster: Any = LocalCluster(
        n_workers=0,
        host=listen,
        protocol=f"{scheme}://",
        security=scheduler_address.security_of(tls, f"{scheme}://{listen}"),
        silence_logs=logging.CRITICAL,
        scheduler_kwargs={"dashboard": False, "dashboard_address": f"{listen}:0"},  # else it listens everywhere
    )
    with cluster, tempfile.TemporaryDirectory(prefix="benchcli-") as logs, contextlib.ExitStack() as stack:
        address = cluster.scheduler_address
        workers = {
            each.name: stack.enter_context(_worker(each.words(address, tls), Path(logs) / str(number)))
            for number, each in enumerate(lines)
        }
        yield Cluster(address, workers)


@contextmanager
def _worker(words: Sequence[str], log: Path) -> Iterator[WorkerProcess]:
    try:
        with files.emptied(log) as stderr:
            process = subprocess.Popen(
                words, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=stderr, start_new_session=True
            )
    except OSError as error:
        raise UserError(f"{words[0]} cannot be started: {error.strerror}") from None
    try:
        yield WorkerProcess(process, log)
    finally:
        if process.stdin:
            process.stdin.close()
        try:
            process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
