"""What tests share: the command line on the fake device, workers inside this process, golden files."""

import gc
import itertools
import queue
import re
import subprocess
import sys
import threading
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from benchcli.noise.fitness import Probe
from benchcli.schema import LIVE, Conditions, Family, Variant
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
from benchcli.workers.tools import Tools

TESTS = Path(__file__).parent
GOLDEN = TESTS / "golden"


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--update-golden", action="store_true", help="write golden files instead of comparing")


def inline(task: Task, silence_s: float) -> Conversation:
    """Run a worker's task in this process, through the wire format, with few rounds."""
    from benchcli.workers.worker import do

    if task.kind == SERVE:
        return (yield from serving(task))
    if task.kind == SURVEY:
        return (yield from surveyed(task))
    events: list[str] = []
    short = replace(task, seconds=0.0, rounds=3)
    do(decode_task(encode(short)), lambda event: events.append(encode_event(event)))
    yield from map(steady, map(decode_event, events))
    return True


COUNTED: dict[str, Counted] = {}
"""Networks that ship, as an earlier test counted them: their costs and outputs are always the same."""


def surveyed(task: Task) -> Conversation:
    """Run a survey in this process; a network that ships is counted once for all tests."""
    from benchcli.workers.worker import do

    new, again = [], []
    for family in task.families:
        known = [v for v in family.variants if same_network(task, family, v) in COUNTED]
        again += [(family, variant) for variant in known]
        if rest := tuple(v for v in family.variants if v not in known):
            new.append(replace(family, variants=rest))
    events: list[Event] = []
    few = replace(task, families=tuple(new))
    do(decode_task(encode(few)), lambda event: events.append(decode_event(encode_event(event))))
    families = {family.name: family for family in task.families}
    for event in events[:-1]:
        if isinstance(event, Counted):
            family = families[event.family]
            variant = next(v for v in family.variants if v.name == event.variant)
            if variant.is_built_in and not variant.builder.startswith(LIVE):
                COUNTED[same_network(task, family, variant)] = event
        yield event
    for family, variant in again:
        yield Started(family.name, variant.name)
        yield replace(COUNTED[same_network(task, family, variant)], family=family.name, variant=variant.name)
    yield events[-1]
    return True


def same_network(task: Task, family: Family, variant: Variant) -> str:
    """Return what is equal for networks that cost and compute the same."""
    return repr((task.target.device, family.batch, family.dtype, family.layout, replace(variant, name="")))


def serving(task: Task) -> Conversation:
    """Run a worker that serves in a thread of this process; what is sent to it is a line that it hears."""
    from benchcli.workers.worker import do

    events: queue.SimpleQueue[str] = queue.SimpleQueue()
    questions: queue.SimpleQueue[str] = queue.SimpleQueue()
    decoded = decode_task(encode(task))
    work = threading.Thread(target=do, args=(decoded, lambda event: events.put(encode_event(event)), questions.get))
    work.start()
    event: Event | None = None
    try:
        while not isinstance(event, Done):
            event = steady(decode_event(events.get(timeout=30)))
            told = yield event
            if told is not None:
                questions.put(told)
    finally:
        questions.put("null")
        work.join(timeout=30)
    return True


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
        names = ("launch", "clock_hz", "throttle_reasons", "power_capped", "other_processes", "kernels")
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


@pytest.fixture
def cli(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, host_clock: None
) -> Callable[..., Outcome]:
    """Run the command line in this process and in an empty folder, its workers inline, its clock exact."""
    from benchcli.cli.main import main

    monkeypatch.chdir(tmp_path)
    gc.freeze()  # a launch begins with a collection, which would go through all that the tests have loaded so far

    def run(
        *arguments: str,
        launcher: Launcher = inline,
        busy: float | None = 0.0,
    ) -> Outcome:
        with pytest.raises(SystemExit) as ended:
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


def in_process(*arguments: str, timeout: float = 60, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run Python with these arguments in a fresh process."""
    import os

    return subprocess.run(
        [sys.executable, *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env={**os.environ, **environment},
    )
