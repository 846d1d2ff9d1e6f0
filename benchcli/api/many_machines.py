"""Measure a suite on many machines."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cached_property
from pathlib import Path
from typing import Unpack

from benchcli import files, formatting
from benchcli.api.compared_runs import MOST, Compared
from benchcli.api.keywords import FleetSettings, Measuring
from benchcli.api.recorded import together
from benchcli.api.result import Result, UnfinishedError
from benchcli.api.run_result import Run
from benchcli.errors import UNEXPECTED, UserError
from benchcli.fleets import dask_engine as dask
from benchcli.fleets import scheduler_address, started_workers
from benchcli.fleets.dask_engine import HOST, LABEL, Engine
from benchcli.fleets.fleet_folder import Asked, FleetFolder
from benchcli.fleets.job import INTERRUPT, Event, JobEnded, Piece, State, safe_name
from benchcli.fleets.started_workers import WorkerProcess
from benchcli.reports.page import Page
from benchcli.reports.views.fleet_page import HostRow, fleet_page
from benchcli.runs.folder import RESULTS, unused
from benchcli.runs.run_folder import MEASUREMENTS
from benchcli.settings import FLEET, SHIPPED, Values, checked
from benchcli.spelling import given
from benchcli.store.adding import add, prepare
from benchcli.store.stored_runs import read
from benchcli.validation import text
from benchcli.workloads.suites import families_of_suite, find_suite

MOST_TRIES = 5
"""The most attempts at a job: a worker may die, a scheduler may restart, a piece may be lost."""
WAITING, MEASURED = "waiting for a worker", "measured"


@dataclass(repr=False)
class Fleet(Result):
    """The runs of one suite on several machines. They are never averaged."""

    folder: Path
    asked: Asked

    @cached_property
    def runs(self) -> Mapping[str, Run]:
        """The run of each host or label that has measured something, whole or in part."""
        found = {}
        for name in self.asked.jobs:
            with contextlib.suppress(UserError):  # nothing has come from it
                found[name] = Run(read(self.folder / safe_name(name)))
        return found

    @cached_property
    def failures(self) -> Mapping[str, str]:
        """Why hosts or labels have not measured everything, by name."""
        ended = {name: self.asked.ended.get(name) for name in self.asked.jobs}
        return {
            name: of.reason if of and not of.is_finished else "not finished" if not of else "its run is not there"
            for name, of in ended.items()
            if not of or not of.is_finished or name not in self.runs
        }

    @property
    def compared(self) -> Compared | None:
        """The finished runs side by side; None if there are fewer than two, or more than a table holds."""
        finished = tuple(run for name, run in self.runs.items() if name not in self.failures)
        return Compared(finished, side_by_side=True) if 2 <= len(finished) <= MOST else None

    def _laid_out(self) -> Page:
        return fleet_page(self.folder, self._hosts(), self.compared.page if self.compared else self._alone())

    def _alone(self) -> Page | None:
        runs = list(self.runs.values())
        return runs[0].page if len(runs) == 1 else None

    def _drawn(self) -> Page:
        """Return the page of the runs with their charts, below the table of the hosts."""
        drawn = together(list(self.runs.values())).drawn if self.runs else super()._drawn()
        return replace(drawn, tables=(self.page.tables[0], *drawn.tables))

    def _hosts(self) -> list[HostRow]:
        return [
            HostRow(name, self.failures.get(name), run.details if run else None)
            for name, run in ((name, self.runs.get(name)) for name in self.asked.jobs)
        ]


Workers = Mapping[str, WorkerProcess]
Hosts = Mapping[str, str]
"""What each job does now, by its name."""


def fleet(
    suite: str, *, observe: Callable[[Hosts], None] = lambda _now: None, **settings: Unpack[FleetSettings]
) -> Fleet:
    """Measure a suite on many machines, and return their runs.

    `suite` is the name of one that ships, or the path of a file, whose networks each host can import.
    One of `scheduler`, the address of a Dask scheduler, `hosts`, a file of hosts for ssh, and `local`,
    a number of workers on this machine, says who measures: each host, or with `on`, a label, one host
    that has it. `observe` is called with what each does, by name. The settings of `measure` go to the
    hosts.

    Raises UserError if the suite, a setting or an address is not valid or nobody takes a job in time,
    and UnfinishedError, whose `result` has what was finished, if some host has not measured everything.
    """
    values = checked(settings, FLEET)
    if not callable(observe):
        raise UserError(f"observe is called with what each host does: give a function, not {observe!r}")
    _refuse_unclear(values)
    name, content, beside = _suite(text("a suite", suite), values)
    words = [word for each in SHIPPED for word in each.words(values[each.name])]
    if values["store"]:
        prepare(values["store"])
    with dask.imported():
        folder = _folder(values, name, content, words, beside)
        try:
            with _engine(values, folder.asked.fleet) as (engine, workers):
                _measure(folder, engine, workers, values, observe)
        except KeyboardInterrupt:
            if not folder.asked.jobs:
                raise
            raise UnfinishedError(Fleet(folder.path, folder.asked), None, _left(folder, "interrupted")) from None
        finally:
            folder.close()
            folder.discard_empty()
    return _result(folder, values["store"])


def _refuse_unclear(values: Values) -> None:
    ways = [name for name in ("scheduler", "hosts", "local") if values[name]]
    if len(ways) != 1:
        said = f"{' and '.join(map(given, ways))} say" if ways else "nothing says"
        raise UserError(
            f"{said} who measures: give one of {given('scheduler')} (an address), {given('hosts')} (a file of "
            f"hosts for ssh) and {given('local')} (a number of workers on this machine)"
        )
    if values["output"] and values["resume"]:
        raise UserError(
            f"{given('output')} and {given('resume')} cannot be used together: a resumed fleet stays in its folder"
        )
    if values["on"] and values["local"]:
        raise UserError(f"workers of this machine have no labels: leave {given('on')} out")


def _suite(suite: str, values: Values) -> tuple[str, str, str]:
    """Return the name of a suite, and the text and the folder of its file, if it is one of yours.

    Raises UserError if it is not valid.
    """
    file = find_suite(suite)
    measuring = Measuring.of({**values, "progress": None, "tools": None})
    tuple(families_of_suite(file, measuring.overrides))
    ships = file.name == suite
    path = Path(file.path)
    return (suite, "", "") if ships else (path.name, files.read_text(path), str(path.absolute().parent))


def _folder(values: Values, suite: str, content: str, words: Sequence[str], beside: str) -> FleetFolder:
    if values["resume"]:
        folder = FleetFolder.reopen(values["resume"])
        folder.refuse_other(suite, content, words)
        return folder
    now = datetime.now(UTC).strftime("%Y%m%dT%H%M%SZ")
    output = values["output"] or unused(RESULTS / f"{now}-fleet-{Path(suite).stem}")
    return FleetFolder.create(output, suite, content, words, beside)


@contextmanager
def _engine(values: Values, fleet: str) -> Iterator[tuple[Engine, Workers]]:
    """Yield a connection to a scheduler, and the workers that this process has started for it."""
    tls, wait_s = values["tls"], values["wait"]
    if values["scheduler"]:
        with dask.connected(scheduler_address.address_of(values["scheduler"]), tls, fleet, wait_s) as engine:
            yield engine, {}
        return
    lines = (
        started_workers.ssh_lines(values["hosts"]) if values["hosts"] else started_workers.local_lines(values["local"])
    )
    listen = _listening(lines[0].name) if values["hosts"] else scheduler_address.LOOPBACK
    with (
        started_workers.started(lines, listen, tls) as cluster,
        dask.connected(cluster.address, tls, fleet, wait_s) as engine,
    ):
        yield engine, cluster.workers


def _listening(host: str) -> str:
    """Return the address at which the hosts reach a scheduler here. Raises UserError if there is none."""
    name = started_workers.real_name(host)
    try:
        return scheduler_address.address_towards(name)
    except OSError as error:
        raise UserError(f"{host} cannot be reached: {error.strerror or error}: is {name} its name?") from None


def _measure(
    folder: FleetFolder, engine: Engine, workers: Workers, values: Values, observe: Callable[[Hosts], None]
) -> None:
    """Hand out the jobs that are left, and take what comes until all have ended."""
    if not folder.asked.jobs:
        labels = tuple(dict.fromkeys(values["on"]))
        names = [*workers] if workers and not labels else _offered(engine, labels, values["wait"])
        folder.hand_out(names, are_labels=bool(labels))
    try:
        _Following(folder, engine, workers, values["wait"], values["quiet"], observe).to_the_end()
    finally:
        for name in folder.left:
            engine.stop(name)


def _offered(engine: Engine, labels: Sequence[str], wait_s: float) -> list[str]:
    """Return the names of the jobs: each host, or each label. Raises UserError if nobody takes one in time."""
    end = time.monotonic() + wait_s
    while True:
        hosts = engine.hosts()
        known = {label for each in hosts for label in each.labels}
        if labels and set(labels) <= known:
            return list(labels)
        if hosts and not labels:
            return sorted(each.name for each in hosts)
        if time.monotonic() > end:
            break
        time.sleep(dask.LOOK_S / 4)
    waited = f"within {wait_s:g} s"
    if not hosts:
        raise UserError(f"no worker {waited}: `benchcli fleet worker ADDRESS` starts one on a host")
    lacking = [each for each in labels if each not in known]
    has = f"there are {', '.join(sorted(known))}" if known else "no host has any"
    raise UserError(f"no host has the label {', '.join(lacking)} {waited}: {has}; `--label` of a worker gives it one")


@dataclass
class _Following:
    """Takes what hosts send until all jobs have ended."""

    folder: FleetFolder
    engine: Engine
    workers: Workers
    wait_s: float
    quiet_s: float
    observe: Callable[[Hosts], None]
    now: dict[str, str] = field(default_factory=dict)
    tries: dict[str, int] = field(default_factory=dict)
    seen: dict[str, float] = field(default_factory=dict)
    """When there was a host for a job last."""
    tried: set[str] = field(default_factory=set)
    """The jobs for which there was a host."""
    late: dict[str, int] = field(default_factory=dict)
    """How often a job was found finished whose end was not heard of."""

    def to_the_end(self) -> None:
        """Hand out what is left, and take what comes until each job has ended or is given up."""
        waiting = set(self.folder.left)
        self.now = {name: MEASURED for name in self.folder.asked.jobs if name not in waiting}
        self.seen = dict.fromkeys(waiting, time.monotonic())
        for name in sorted(waiting):
            self._start(name)
        looked = time.monotonic()
        while waiting:
            if (event := self.engine.next_event(dask.LOOK_S / 4)) and event[0] in waiting and self._take(*event):
                waiting.discard(event[0])
            if time.monotonic() > looked + dask.LOOK_S:
                waiting -= {name for name in sorted(waiting) if self._has_gone(name)}
                looked = time.monotonic()
            self.observe(dict(self.now))

    def _start(self, name: str) -> None:
        self.tries[name] = self.tries.get(name, 0) + 1
        self.late.pop(name, None)
        self.now.setdefault(name, WAITING)
        self.engine.start(self.folder.job(name, self.quiet_s), (LABEL if self.folder.asked.are_labels else HOST) + name)

    def _take(self, name: str, event: Event) -> bool:
        """Keep what an event says, and return whether the job has ended."""
        if isinstance(event, Piece):
            self.folder.take(name, event)
            if event.file == MEASUREMENTS:
                self.now[name] = _measured_so_far(self.folder.run_of(name) / MEASUREMENTS)
            return False
        if isinstance(event, State):
            self.now[name] = event.text
            return False
        if event.reason == INTERRUPT and not event.is_finished:
            return self._again(name, "its worker was ended")
        if not self.folder.end(name, event):
            return self._again(name, "what it sent is not what it has")
        self.now[name] = MEASURED if event.is_finished else f"failed: {event.reason}"
        return True

    def _has_gone(self, name: str) -> bool:
        """Start a job again whose attempt is lost; return whether to give it up."""
        hosts = self.engine.hosts()
        are_labels = self.folder.asked.are_labels
        if any(name in (each.labels if are_labels else (each.name,)) for each in hosts):
            self.seen[name] = time.monotonic()
        elif time.monotonic() > self.seen[name] + self.wait_s:
            there = "no worker of it" if self.engine.is_connected else "no scheduler"
            return self._give_up(name, f"{there} within {self.wait_s:g} s")
        elif (worker := self.workers.get(name)) and worker.has_ended:
            return self._give_up(name, f"its worker has ended: {worker.said or 'it said nothing'}")
        else:
            self.now[name] = "gone: waiting for it" if name in self.tried else WAITING
            return False
        self.tried.add(name)
        status = self.engine.status(name)
        if status in ("lost", "cancelled") and self.engine.is_connected:
            self.engine.listen()
            return self._again(name, "its attempts were lost")
        if status == "finished":  # its last event is on the way, or was lost
            self.late[name] = self.late.get(name, 0) + 1
            return self._again(name, "what it sent was lost") if self.late[name] > 1 else False
        return self._again(name, "its worker has died") if status == "error" else False

    def _again(self, name: str, reason: str) -> bool:
        if self.tries[name] >= MOST_TRIES:
            return self._give_up(name, f"{reason}, {MOST_TRIES} times")
        self._start(name)
        return False

    def _give_up(self, name: str, reason: str) -> bool:
        self.engine.stop(name)
        self.folder.end(name, JobEnded(UNEXPECTED, reason, {}))
        self.now[name] = f"failed: {reason}"
        return True


def _measured_so_far(measurements: Path) -> str:
    with measurements.open("rb") as stream:
        rows = sum(1 for _ in stream) - 1
    return f"measuring: {formatting.counted(max(rows, 0), 'network')} so far"


def _result(folder: FleetFolder, store: Path | None) -> Fleet:
    found = Fleet(folder.path, folder.asked)
    if store:
        add([run.folder for name, run in found.runs.items() if name not in found.failures], store)
    if found.failures:
        raise UnfinishedError(found, "; ".join(f"{k}: {v}" for k, v in found.failures.items()), _left(folder, ""))
    return found


def _left(folder: FleetFolder, reason: str) -> str:
    left = folder.left
    failed = {name: of.reason for name in left if (of := folder.asked.ended.get(name))}
    why = "; ".join(f"{name}: {text}" for name, text in failed.items()) or reason
    return f"{why}: {given('resume', folder.path)} asks for what is not finished ({formatting.named(list(left))})"
