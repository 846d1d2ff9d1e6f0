"""What tests share: the command line on the fake device, workers inside this process, golden files."""

import gc
import hashlib
import itertools
import os
import queue
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from slipcover import Slipcover

from benchcli.cost import own_rules
from benchcli.noise.fitness import Probe
from benchcli.sampling.artifact_cache import FOLDER as CACHE
from benchcli.schema import LIVE, Conditions, Family, Key, Variant
from benchcli.schema.protocol import (
    SERVE,
    SURVEY,
    Conversation,
    Counted,
    Done,
    Event,
    Launcher,
    Sampled,
    Started,
    Task,
    Watched,
    decode_event,
    decode_task,
    encode,
    encode_event,
)
from benchcli.spelling import messages_for
from benchcli.workers.tools import Tools
from tests import process_state
from tests.built_networks import BUILT
from tests.kept_events import KEPT, key_of
from tests.workers.stand_in import stand_ins

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden"


process_state.watch_audit_hooks()
# To take out what it has counted, it looks at the values of all running functions, which keeps those alive:
# networks would seem to need more memory.
Slipcover.deinstrument_seen = lambda _self: None
os.environ[CACHE] = ""  # no test reads, or leaves, what runtimes prepared for others


@pytest.fixture(autouse=True)
def cost_rules_are_of_one_test() -> Iterator[None]:
    """Forget the cost rules that a test registers."""
    yield
    own_rules.rules.clear()
    own_rules.received.clear()


@pytest.fixture(autouse=True)
def networks_are_built_for_one_test() -> Iterator[None]:
    """Forget the networks that the launches of a test share."""
    yield
    BUILT.forget()


@pytest.fixture(autouse=True)
def settings_are_spelled_as_options() -> Iterator[None]:
    """Let messages be those of the command line; tests of Python's say so."""
    with messages_for("command line"):
        yield


@pytest.fixture(autouse=True)
def nothing_is_left_changed(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fail a test that leaves the state of the process changed, and put it back.

    The marker `keeps` names parts that a library changes for good when it is first used.
    """
    kept = {name for marker in request.node.iter_markers("keeps") for name in marker.args}
    before = {name: value for name, value in process_state.read_state().items() if name not in kept}
    yield
    if left := process_state.changes(before):
        process_state.put_back(before)
        pytest.fail("the test leaves changed:\n" + "\n".join(left), pytrace=False)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    if cache := getattr(config, "cache", None):  # none with -p no:cacheprovider
        KEPT.share(cache.mkdir("launches"))


def pytest_collection_finish() -> None:
    """Give torch one thread: as many as cores in each of pytest's processes wait for cores, and compute nothing.

    Collections of garbage leave out what is loaded by now, which is most of what there ever is.
    """
    if torch := sys.modules.get("torch"):
        torch.set_num_threads(1)
    gc.collect()
    gc.freeze()


@pytest.fixture
def measured_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no launch be answered with what an earlier one said."""
    monkeypatch.setattr(KEPT, "is_used", False)


@pytest.fixture
def worker_threads() -> Iterator[None]:
    """Put back the number of torch's threads after a test that does a worker's task."""
    with threads_kept():
        yield


@pytest.fixture
def standing_in() -> Iterator[None]:
    """Let processes without torch stand in for workers."""
    with stand_ins():
        yield


@pytest.fixture
def interruptible() -> Iterator[None]:
    """Let Ctrl-C reach the processes that a test starts, where a shell has the suite itself ignore it."""
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    yield
    signal.signal(signal.SIGINT, before)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing")


def inline(task: Task, silence_s: float) -> Conversation:
    """Run a worker's task in this process, through the wire format, with few rounds."""
    if task.kind == SERVE:
        return (yield from serving(task))
    if task.kind == SURVEY:
        return (yield from surveyed(task))
    yield from map(steady, map(decode_event, said(replace(task, seconds=0.0, rounds=3))))
    return True


def slowed(task: Task, silence_s: float, factor_of: Callable[[Key], float]) -> Conversation:
    """Run a task as `inline` does, and multiply the times of each family and variant by its factor."""
    conversation, told = inline(task, silence_s), None
    try:
        while True:
            event = conversation.send(told)
            if isinstance(event, Sampled):
                seconds = event.sample.seconds * factor_of((event.family, event.sample.variant))
                event = Sampled(event.family, replace(event.sample, seconds=seconds))
            told = yield event
    except StopIteration as ended:
        return bool(ended.value)


def said(task: Task) -> list[str]:
    """Return the lines of a worker that does a task, from an earlier test if one had the same done."""
    from benchcli.workers.worker import do

    key, places = key_of(task) or ("", {})
    if key and (lines := KEPT.get(key)):
        return [exchanged(line, places) for line in lines]
    events: list[str] = []
    with threads_kept(), nothing_collected(), BUILT.reused_by(task) if key and KEPT.is_used else nullcontext():
        do(decode_task(encode(task)), lambda event: events.append(encode_event(event)))
    if key:
        stand_ins = {place: stand_in for stand_in, place in places.items()}
        KEPT.put(key, [exchanged(line, stand_ins) for line in events])
    return events


def exchanged(line: str, texts: dict[str, str]) -> str:
    """Return the line with each of the texts replaced by its counterpart."""
    for text, other in texts.items():
        line = line.replace(text, other)
    return line


class NoCollector:
    """Takes the place of `gc` where a launch collects garbage before its samples: the simulated clock knows of none.

    A collection would go through all that pytest, torch and the tests have loaded so far.
    """

    collect = staticmethod(lambda: 0)
    enable, disable = staticmethod(gc.enable), staticmethod(gc.disable)


@contextmanager
def nothing_collected() -> Iterator[None]:
    """Let a worker's launches in this process collect no garbage."""
    from benchcli.sampling import rounds

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rounds, "gc", NoCollector)
        yield


@contextmanager
def threads_kept() -> Iterator[None]:
    """Put back the number of torch's threads, which a worker sets for its process."""
    import torch

    before = torch.get_num_threads()
    try:
        yield
    finally:
        torch.set_num_threads(before)


def surveyed(task: Task) -> Conversation:
    """Run a survey in this process; a network that ships is counted once for all tests."""
    from benchcli.sampling.worker_reports import without

    new: list[Family] = []
    again: list[tuple[Family, Variant, Counted]] = []
    for family in task.families:
        known = {v.name: KEPT.get(network_key(task, family, v)) for v in family.launched}
        again += [(family, v, event) for v in family.launched for event in counted_in(known[v.name])]
        new += without([family], {(family.name, name) for name, event in known.items() if event})
    families = {family.name: family for family in task.families}
    lines = said(replace(task, families=tuple(new)))
    for event in map(decode_event, lines[:-1]):
        if isinstance(event, Counted):
            family = families[event.family]
            variant = next(v for v in family.launched if v.name == event.variant)
            if variant.is_built_in and not variant.builder.startswith(LIVE):
                KEPT.put(network_key(task, family, variant), [encode_event(event)])
        yield event
    for family, variant, event in again:
        yield Started(family.name, variant.name)
        yield replace(event, family=family.name, variant=variant.name)
    yield decode_event(lines[-1])
    return True


def counted_in(lines: list[str] | None) -> Iterator[Counted]:
    """Yield the costs in a kept line."""
    for event in map(decode_event, lines or ()):
        assert isinstance(event, Counted)
        yield event


def network_key(task: Task, family: Family, variant: Variant) -> str:
    """Return what is equal for networks that cost and compute the same."""
    what = (task.detailed, task.timed, task.meta, family.step_of(variant))
    where = (task.target.device, what, family.batch, family.dtype, family.layout)
    return hashlib.sha256(repr((where, replace(variant, name=""))).encode()).hexdigest()


def serving(task: Task) -> Conversation:
    """Run a worker that serves in a thread of this process; what is sent to it is a line that it hears."""
    from benchcli.workers.worker import do

    events: queue.SimpleQueue[str] = queue.SimpleQueue()
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    decoded = decode_task(encode(task))
    work = threading.Thread(target=do, args=(decoded, lambda event: events.put(encode_event(event)), questions.get))
    with threads_kept(), versions_shared():
        work.start()
        event: Event | None = None
        try:
            while not isinstance(event, Done):
                event = steady(decode_event(events.get(timeout=600)))
                told = yield event
                if told is not None:
                    questions.put(told)
        finally:
            questions.put("null")
            work.join(timeout=600)
    return True


SERVING: list[pytest.MonkeyPatch] = []
"""What changed the process for the workers that serve in it, once for each of them."""


@contextmanager
def versions_shared() -> Iterator[None]:
    """Let workers serve in this process: the last one removes their versions, and which reads which file is unknown."""
    from benchcli.guards import code_versions, read_files
    from benchcli.sampling import rounds

    SERVING.append(SERVING[0] if SERVING else pytest.MonkeyPatch())
    SERVING[-1].setattr(code_versions, "released", nullcontext)
    SERVING[-1].setattr(read_files, "of_other_version", lambda _version: None)
    SERVING[-1].setattr(rounds, "gc", NoCollector)
    try:
        yield
    finally:
        patch = SERVING.pop()
        if not SERVING:
            patch.undo()
            code_versions.release()


CONDITIONS = Conditions(
    launch=0,
    wall_s=0.5,
    cpu_s=0.5,
    minor_faults=0,
    major_faults=0,
    voluntary_switches=0,
    involuntary_switches=0,
    busy_cores=0.0,
    cores=2,
    steal_cores=0.0,
    pressure=0.0,
    throttled_s=0.0,
    frequency_hz=None,
    load=0.0,
    memory_bytes=300_000_000,
    call_overhead_s=1e-7,
)


def steady(event: Event) -> Event:
    """Take out what this machine, at this moment, puts into an event."""
    if isinstance(event, Watched):
        seen = event.conditions
        names = ("launch", "clock_hz", "throttle_reasons", "power_capped", "other_processes", "kernels", "compile_s")
        still = replace(CONDITIONS, **{name: getattr(seen, name) for name in names})
        return Watched(event.family, still)
    if isinstance(event, Sampled) and event.sample.excluded == "preempted":
        return Sampled(event.family, replace(event.sample, excluded=None))
    return event


PROBE = Probe(CONDITIONS, ("frequency",), 1000, 0.01, 0.0, 4e-8, 0)


@dataclass(frozen=True)
class Outcome:
    code: int
    out: str
    err: str


def simulated(launcher: Launcher = inline, busy: float | None = 0.0) -> Tools:
    """Return tools whose workers run in this process, and whose clock is exact."""
    ticks = itertools.count()
    return Tools(
        workers=lambda **_: nullcontext(launcher),
        exports_at_once=1,
        clock=lambda: next(ticks) / 10,
        busy_cores=lambda: busy,
        probe=lambda: PROBE,
    )


def interrupting(after: int) -> Launcher:
    """Return what launches so many times, and is then interrupted."""
    launches = 0

    def launch(task: Task, silence_s: float) -> Conversation:
        nonlocal launches
        launches += task.kind == "launch"
        if launches > after:
            raise KeyboardInterrupt
        return (yield from inline(task, silence_s))

    return launch


@pytest.fixture
def host_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the host's clock tick a millisecond at each reading.

    The number of calls in a sample depends on it, and so would the last digits of times under load.
    """
    ticks = itertools.count()
    from benchcli.sampling import rounds

    monkeypatch.setattr(rounds, "perf_counter", lambda: next(ticks) / 1000)


@pytest.fixture
def tools(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host_clock: None) -> Callable[..., Tools]:
    """Return what makes tools for the API: workers in this process, an exact clock; in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return simulated


@contextmanager
def signals_kept() -> Iterator[None]:
    """Put back the signals' handlers, which the program sets for its process."""
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host_clock: None
) -> Callable[..., Outcome]:
    """Run the command line in this process and in an empty folder, its workers inline, its clock exact."""
    from benchcli.cli.main import main

    monkeypatch.chdir(tmp_path)

    def run(
        *arguments: str,
        launcher: Launcher = inline,
        busy: float | None = 0.0,
    ) -> Outcome:
        with pytest.raises(SystemExit) as ended, signals_kept():
            main(list(arguments), simulated(launcher, busy))
        captured = capsys.readouterr()
        return Outcome(int(ended.value.code or 0), captured.out, captured.err)

    return run


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Callable[[str, str], None]:
    """Compare text with a golden file, what differs between machines and times taken out."""

    def compare(name: str, text: str) -> None:
        path = GOLDEN / name
        steady = steadied(text)
        if request.config.getoption("--update-golden"):
            path.write_text(steady, encoding="utf-8")
        assert steady == path.read_text(encoding="utf-8")

    return compare


def steadied(text: str) -> str:
    text = re.sub(r"\d{8}T\d{6}Z-([\w-]+?)-[\w-]+(?=[ ,\"·]|$)", r"TIME-\1-HOST", text, flags=re.MULTILINE)
    # Exact times differ in the last bits from one build of the C library to another.
    return re.sub(r"\d+\.\d{7,}(e-?\d+)?", lambda match: str(float(f"{float(match[0]):.6g}")), text)


def in_process(*arguments: str, timeout: float = 600, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in a fresh process."""
    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )
