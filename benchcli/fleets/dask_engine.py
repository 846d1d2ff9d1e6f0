"""Dask as the engine that hands jobs out: its scheduler, a worker on each host, and the client that asks.

A worker takes one job at a time. It sends what is new as events of plain data; nothing that it sends is unpickled
here but Dask's own error of a task, and tasks raise none. Whoever reaches a scheduler can run code on its hosts,
which is why nothing listens beyond this machine unless it is told to, and why there is TLS.
"""

import asyncio
import contextlib
import ipaddress
import logging
import queue
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchcli import files
from benchcli.errors import UNEXPECTED, USAGE, UserError
from benchcli.fleets.fleet_folder import refuse_names
from benchcli.fleets.job import Event, Job, JobEnded, carry_out, last_line, read, written
from benchcli.schema.structure import StructureError, structure
from benchcli.spelling import given

if TYPE_CHECKING:
    from distributed import Client
    from distributed.security import Security

JOB, HOST, LABEL = "benchcli", "host:", "label:"
"""The resources that a worker offers: one job at a time, itself by name, and its labels."""
LOOPBACK = "127.0.0.1"
PORT = 8786
"""Dask's usual one."""
CERTIFICATES = ("ca.pem", "cert.pem", "key.pem")
"""The files of a folder for TLS."""
ROLES = ("client", "scheduler", "worker")
LOOK_S = 2.0
"""Seconds between two questions to the scheduler."""
GRACE_S = 20.0
"""Seconds that a worker has for ending what it measures."""
RETRY_S = 1.0
"""Seconds before a worker tries again to reach a scheduler that has gone."""
CONFIG = {
    "distributed.scheduler.worker-ttl": "60s",  # a host that was cut off is missed within a minute
    "distributed.scheduler.work-stealing": False,
    "distributed.worker.daemon": False,
    "distributed.comm.timeouts.connect": "10s",
    "distributed.admin.tick.limit": "1h",  # what a loop is late by says nothing here
}


@contextmanager
def imported() -> Iterator[None]:
    """Set Dask up for the block. Raises UserError if it is not installed."""
    try:
        import dask
        import distributed
    except ImportError:
        raise UserError("a fleet needs a library, the extra fleet: pip install distributed") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    with (
        tempfile.TemporaryDirectory(prefix="benchcli-") as scratch,
        dask.config.set({**CONFIG, "temporary-directory": scratch}),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore", distributed.versions.VersionMismatchWarning)  # versions are compared by runs
        yield


def address_for(text: str, tls: Path | None) -> str:
    """Return the address of a scheduler. Raises UserError if it is none, or does not fit what is given for TLS."""
    address = address_of(text)
    _refuse_unfit(tls, address)
    return address


def _refuse_unfit(tls: Path | None, address: str) -> None:
    scheme = urlsplit(address).scheme
    if (tls is None) == (scheme == "tls"):
        raise UserError(
            f"{address} asks for TLS: give {given('tls')}, a folder with {', '.join(CERTIFICATES)}"
            if tls is None
            else f"{given('tls')} is for addresses such as tls://HOST:{PORT}, not {address}"
        )


def security_of(tls: Path | None, address: str) -> "Security | None":
    """Return how a connection is secured. Raises UserError if a file lacks, or if an address and it do not fit."""
    _refuse_unfit(tls, address)
    if tls is None:
        return None
    for name in CERTIFICATES:
        if not files.is_file(tls / name):
            raise UserError(f"{tls} lacks {name}: a folder for TLS has {', '.join(CERTIFICATES)}")
    from distributed.security import Security

    own = {f"tls_{role}_{part}": str(tls / f"{part}.pem") for role in ROLES for part in ("cert", "key")}
    security = Security(tls_ca_file=str(tls / "ca.pem"), require_encryption=True, **own)
    try:
        security.get_connection_args("client")
    except (OSError, ValueError) as error:
        raise UserError(f"the files of {tls} are no certificates and key: {error}") from None
    return security


def address_of(text: str) -> str:
    """Return the address of a scheduler: tcp://HOST:PORT or tls://HOST:PORT. Raises UserError."""
    with contextlib.suppress(ValueError):
        parts = urlsplit(text if "://" in text else f"tcp://{text}")
        host, port = parts.hostname or "", PORT if parts.port is None else parts.port
        if parts.scheme in ("tcp", "tls") and _is_host(host) and port and not parts.path.strip("/"):
            return f"{parts.scheme}://{host}:{port}"
    raise UserError(
        f"{text!r} is no address of a scheduler: give one such as tcp://HOST:{PORT} or tls://HOST:{PORT}, by name or "
        "IPv4 address"
    )


def _is_host(text: str) -> bool:
    """Return whether a text may be the name or the IPv4 address of a host."""
    return re.fullmatch(r"[\w-]{1,63}(\.[\w-]{1,63})*\.?", text) is not None and len(text) < 254


def is_loopback(address: str) -> bool:
    """Return whether an address is of this machine alone."""
    host = urlsplit(address).hostname or ""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def serve_scheduler(host: str, port: int, tls: Path | None, say: Callable[[str], None]) -> None:
    """Run a scheduler until it is interrupted. Raises UserError if it cannot listen there."""
    from distributed import Scheduler

    if not _is_host(host):
        raise UserError(f"{host!r} is no address of this machine: give one, by name or as IPv4 address")
    scheme = "tls" if tls else "tcp"
    security = security_of(tls, f"{scheme}://{host}")

    async def serve() -> None:
        try:
            scheduler = await Scheduler(
                host=host,
                port=port,
                protocol=f"{scheme}://",
                security=security,
                dashboard=False,
                dashboard_address=f"{host}:0",
            )
        except (OSError, RuntimeError, ValueError) as error:  # Dask wraps what the system says
            reason = getattr(error.__cause__, "strerror", None) or error.__cause__ or error
            raise UserError(f"nothing can listen at {host}:{port}: {reason}: give another address or port") from None
        say(f"scheduler at {scheduler.address}")
        await scheduler.finished()

    asyncio.run(serve())


def serve_worker(address: str, name: str, labels: Sequence[str], tls: Path | None, say: Callable[[str], None]) -> None:
    """Take jobs from a scheduler until this process is interrupted, also from one that comes back.

    A worker listens at the address by which this machine reaches the scheduler, and at no other.
    """
    from distributed import Worker

    security = security_of(tls, address)
    refuse_names([name])
    resources = dict.fromkeys((JOB, HOST + name, *(LABEL + each for each in labels)), 1.0)

    joined = False

    async def serve() -> None:
        nonlocal joined
        _reach(address, 0.0)
        own = LOOPBACK if is_loopback(address) else address_towards(urlsplit(address).hostname or "")
        worker = Worker(
            address, nthreads=1, name=name, resources=resources, security=security, host=own, memory_limit=0,
            dashboard=False, death_timeout=None,
        )  # fmt: skip
        await worker
        joined = True
        say(f"{name} takes jobs from {address}")
        await worker.finished()

    lost = False
    while True:
        try:
            asyncio.run(serve())
            lost = False
        except (OSError, TimeoutError, RuntimeError, ValueError) as error:
            # One that was cut off itself has its name until the scheduler misses it.
            if not joined and "name taken" in f"{error} {error.__cause__}".lower():
                raise UserError(f"{name} cannot join {address}: another worker has this name: give another") from None
            if not lost:
                say(f"no scheduler at {address}: {name} goes on trying")
                lost = True
        time.sleep(RETRY_S)


def task(job: Mapping[str, Any]) -> None:
    """Carry a job out on this worker, and send what is new as events of the fleet."""
    from distributed import get_worker

    asked, worker = structure(job, Job), get_worker()
    key = worker.get_current_task()

    def send(event: Event) -> None:
        worker.log_event(topic(asked.fleet), {"job": asked.name, **written(event)})

    def is_wanted() -> bool:
        known = worker.state.tasks.get(key)
        return known is not None and known.state in ("executing", "long-running") and worker.status.name == "running"

    try:
        carry_out(asked, send, is_wanted=is_wanted)
    except UserError as error:
        send(JobEnded(USAGE, str(error), {}, host=socket.gethostname()))
    except Exception as error:  # an error of a task would be unpickled by whoever asked
        send(JobEnded(UNEXPECTED, f"{type(error).__name__}: {error}", {}, host=socket.gethostname()))


def topic(fleet: str) -> str:
    """Return the name under which the events of a fleet are sent."""
    return f"benchcli-{fleet}"


@dataclass(frozen=True)
class Host:
    """A host that has a worker."""

    name: str
    labels: tuple[str, ...]


class Engine:
    """A connection to a scheduler: it hands jobs out, and gives back their events."""

    def __init__(self, client: "Client", fleet: str) -> None:
        self._client, self._fleet = client, fleet
        self._events: queue.SimpleQueue[tuple[str, Event]] = queue.SimpleQueue()
        self._futures: dict[str, Any] = {}
        self._tries = 0
        self.listen()

    def listen(self) -> None:
        """Have the events sent here: at first, and to a scheduler that has come back."""
        self._client.subscribe_topic(topic(self._fleet), self._take)

    def _take(self, event: tuple[float, Any]) -> None:
        with contextlib.suppress(StructureError, KeyError, TypeError):  # who sends anything else is not heard
            self._events.put((str(event[1]["job"]), read(event[1])))

    def hosts(self) -> list[Host]:
        """Return the hosts that take jobs now; none if the scheduler is not there."""
        try:
            workers = self._client.scheduler_info(n_workers=-1)["workers"].values()
        except (OSError, TimeoutError, RuntimeError, KeyError):
            return []
        return [
            Host(str(each["name"]), tuple(sorted(r[len(LABEL) :] for r in each["resources"] if r.startswith(LABEL))))
            for each in workers
            if JOB in each.get("resources", {})
        ]

    @property
    def is_connected(self) -> bool:
        """Whether the scheduler is there."""
        return bool(self._client.status == "running")

    def start(self, job: Job, resource: str) -> None:
        """Hand a job out to a worker that offers a resource."""
        self._tries += 1
        self._futures[job.name] = self._client.submit(
            task,
            asdict(job),
            key=f"{job.fleet}-{job.name}-{self._tries}",
            resources={JOB: 1, resource: 1},
            pure=False,
        )

    def stop(self, name: str) -> None:
        """Take a job back; what is measured for it now is interrupted."""
        if (future := self._futures.pop(name, None)) is not None:
            with contextlib.suppress(Exception):  # a scheduler that is gone hears nothing
                future.cancel()

    def status(self, name: str) -> str:
        """Return what has become of an attempt: pending, finished, error, lost or cancelled."""
        return str(self._futures[name].status) if name in self._futures else "lost"

    def next_event(self, most_s: float) -> tuple[str, Event] | None:
        """Return the next event with the name of its job; None if none comes."""
        with contextlib.suppress(queue.Empty):
            return self._events.get(timeout=most_s)
        return None


@contextmanager
def connected(address: str, tls: Path | None, fleet: str, wait_s: float) -> Iterator[Engine]:
    """Yield a connection to a scheduler. Raises UserError if there is none."""
    from distributed import Client

    security = security_of(tls, address)
    try:
        _reach(address, wait_s)
        client = Client(address, security=security, timeout=wait_s, set_as_default=False)
    except (OSError, TimeoutError, RuntimeError):
        raise UserError(
            f"no scheduler at {address} within {wait_s:g} s: `benchcli fleet scheduler` starts one"
        ) from None
    try:
        yield Engine(client, fleet)
    finally:
        with contextlib.suppress(Exception):  # a scheduler that is gone cannot be left
            client.close(timeout=2)


def _reach(address: str, wait_s: float) -> None:
    """Wait until something listens at an address: a client that found nothing would leave its loop running.

    Raises OSError if nothing does in time.
    """
    parts, end = urlsplit(address), time.monotonic() + wait_s
    while True:
        try:
            socket.create_connection((parts.hostname or "", parts.port or PORT), timeout=max(wait_s, RETRY_S)).close()
            return
        except UnicodeError:
            raise OSError(f"{parts.hostname} is no name of a host") from None
        except OSError:
            if time.monotonic() > end - RETRY_S:
                raise
        time.sleep(RETRY_S / 4)


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
        security=security_of(tls, f"{scheme}://{listen}"),
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


def address_towards(host: str) -> str:
    """Return the address of this machine by which others reach it that it reaches by `host`. Raises OSError."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        probe.connect((host, PORT))  # sends nothing
        return str(probe.getsockname()[0])
