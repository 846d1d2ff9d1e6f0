"""A worker: a fresh process that reads one task from stdin and writes events to stdout."""

import ctypes
import io
import os
import platform
import random
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from benchcli import __version__
from benchcli.devices.base import DEVICES, split_name
from benchcli.measure.protocol import (
    SURVEY,
    Counted,
    Described,
    Done,
    Event,
    Failed,
    Sampled,
    Started,
    Task,
    Watched,
    decode_task,
    encode_event,
)
from benchcli.runtimes.base import RUNTIMES

if TYPE_CHECKING:
    from benchcli.measure.bench import Bench
    from benchcli.measure.throttle import Throttle
    from benchcli.schema import Family

Send = Callable[[Event], None]
PR_SET_PDEATHSIG = 1
"""linux/prctl.h"""


def main() -> None:
    """Do the task on stdin. What a network prints goes to stderr: stdout belongs to the events."""
    events = event_stream()
    end_with_parent()
    offer_to_the_killer()
    task = decode_task(sys.stdin.readline())
    do(task, sender(events))


def event_stream() -> TextIO:
    """Return a stream of its own onto stdout, and let stdout itself lead to stderr."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=True)  # what was printed must not come after an error's last line
    return events


def do(task: Task, send: Send) -> None:
    """Do a task and send its events, in this process."""
    import torch

    kind, index = split_name(task.target.device)
    device = DEVICES[kind]
    missing = device.missing(index)
    if not missing:
        device.configure(task.target.threads, index)
    send(Described(software(), {} if missing else device.facts(index), missing, available()))
    if not missing:
        torch.manual_seed(task.seed)
        if task.kind == SURVEY:
            _survey(task, device.torch_name(index), send)
        else:
            with torch.inference_mode():
                _launch(task, send)
    send(Done())


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


def offer_to_the_killer() -> None:
    """Let the kernel, short of memory, kill this worker before the process that keeps the results."""
    try:
        Path("/proc/self/oom_score_adj").write_text("1000", encoding="ascii")
    except OSError:
        return  # not Linux, or not allowed: nothing is lost but the order of preference


def end_with_parent() -> None:
    """Let Linux kill this process when its parent ends, however that ends and whatever this one is stuck in."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def _survey(task: Task, device: str, send: Send) -> None:
    from benchcli.costs.count import count
    from benchcli.measure.bench import failure, load, torch_dtype

    for family in task.families:
        for variant in family.variants:
            send(Started(family.name, variant.name))
            try:
                network, inputs = load(variant, family, device)
                dtype = torch_dtype(family.dtype)
                costs = count(network.to(dtype), inputs.to(dtype))
            except Exception as error:  # a network may raise anything, and costs nobody else anything
                send(Failed(family.name, variant.name, *failure(error)))
                if DEVICES[split_name(task.target.device)[0]].errors_stick:
                    raise
            else:
                send(Counted(family.name, variant.name, costs))


def _launch(task: Task, send: Send) -> None:
    from benchcli.measure.layout import shift_heap

    rng = random.Random(task.seed)  # noqa: S311
    kept = [shift_heap(rng)]
    for family in task.families:
        _measure(family, task, kept, rng, send)


def _measure(family: "Family", task: Task, kept: list[bytearray], rng: random.Random, send: Send) -> None:
    """Build the variants of a family, and sample those that can be."""
    from benchcli.measure.bench import Setting, WrongOutputError, failure, prepare
    from benchcli.measure.layout import shift_apart
    from benchcli.measure.throttle import Throttle

    kind, index = split_name(task.target.device)
    throttle = Throttle(DEVICES[kind], index)
    setting = Setting(DEVICES[kind], index, RUNTIMES[task.target.runtime], task.target.cache, throttle)
    benches: dict[str, Bench] = {}
    # What is built first fills the holes in the heap and lies on small pages: it is a little slower for it.
    for variant in rng.sample(family.variants, len(family.variants)):
        kept.append(shift_apart(rng))
        send(Started(family.name, variant.name))
        try:
            benches[variant.name] = prepare(variant, family, task.costs[family.name][variant.name], setting)
        except Exception as error:  # a network may raise anything, and costs nobody else anything
            send(Failed(family.name, variant.name, *failure(error)))
            if DEVICES[kind].errors_stick and not isinstance(error, WrongOutputError | NotImplementedError):
                raise
    if benches:
        _sample(family.name, benches, task, throttle, rng, send)


def _sample(
    family: str, benches: "Mapping[str, Bench]", task: Task, throttle: "Throttle", rng: random.Random, send: Send
) -> None:
    """Sample in rounds, watched; what was taken is told at the end, when nothing is timed any more."""
    from benchcli.measure.bench import failure
    from benchcli.measure.overhead import call_overhead_s
    from benchcli.measure.sampling import no_collection, sample_rounds, warm_up
    from benchcli.measure.watch import between, look

    running = ""

    def announce(name: str) -> None:
        nonlocal running
        running = name
        send(Started(family, name))

    overhead_s = call_overhead_s()
    try:
        with no_collection():
            calls = warm_up(benches, task, DEVICES[split_name(task.target.device)[0]], rng, announce)
            throttle.forget()
            start = look()
            samples = list(sample_rounds(benches, calls, task, rng, announce))
            conditions = between(task.launch, start, look(), overhead_s)
    except Exception as error:  # after it this process is not to be trusted: it ends, and the launch is made again
        send(Failed(family, running, *failure(error)))
        raise
    for sample in samples:
        send(Sampled(family, sample))
    seen = replace(conditions, clock_hz=throttle.clock_hz, throttle_reasons=throttle.reasons)
    send(Watched(family, seen))


def sender(stream: TextIO) -> Send:
    """Return what writes an event to the stream at once."""

    def send(event: Event) -> None:
        stream.write(encode_event(event) + "\n")
        stream.flush()

    return send
