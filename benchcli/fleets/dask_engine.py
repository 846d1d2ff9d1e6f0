"""Dask as the engine that hands jobs out: its scheduler, a worker on each host, and the client that asks.

A worker takes one job at a time. It sends what is new as events of plain data; nothing that it sends is unpickled
here but Dask's own error of a task, and tasks raise none. Whoever reaches a scheduler can run code on its hosts,
which is why nothing listens beyond this machine unless it is told to, and why there is TLS.
"""

import asyncio
import contextlib
import logging
import queue
import socket
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from benchcli.errors import UNEXPECTED, USAGE, UserError
from benchcli.fleets.fleet_folder import refuse_names
from benchcli.fleets.job import Event, Job, JobEnded, carry_out, read, written
from benchcli.fleets.scheduler_address import LOOPBACK, PORT, address_towards, is_host, is_loopback, security_of
from benchcli.schema.structure import StructureError, structure

if TYPE_CHECKING:
    from distributed import Client

JOB, HOST, LABEL = "benchcli", "host:", "label:"
"""The resources that a worker offers: one job at a time, itself by name, and its labels."""
LOOK_S = 2.0
"""Seconds between two questions to the scheduler."""
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


def serve_scheduler(host: str, port: int, tls: Path | None, say: Callable[[str], None]) -> None:
    """Run a scheduler until it is interrupted. Raises UserError if it cannot listen there."""
    from distributed import Scheduler

    if not is_host(host):
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
