"""A worker: a fresh process that reads one task from stdin and writes events to stdout."""

import os
import platform
import random
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from benchcli import __version__
from benchcli.devices.base import DEVICES, Device, split_name
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
    decode_task,
    encode_event,
)
from benchcli.runtimes.base import RUNTIMES

if TYPE_CHECKING:
    from benchcli.measure.bench import Bench

Send = Callable[[Event], None]


def main() -> None:
    """Do the task on stdin. What a network prints goes to stderr: stdout belongs to the events."""
    events = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    offer_to_the_killer()
    task = decode_task(sys.stdin.readline())
    do(task, _sender(events))


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
            else:
                send(Counted(family.name, variant.name, costs))


def _launch(task: Task, send: Send) -> None:
    from benchcli.measure.bench import Bench, failure, prepare

    kind, index = split_name(task.target.device)
    device, runtime = DEVICES[kind], RUNTIMES[task.target.runtime]
    rng = random.Random(task.seed)  # noqa: S311
    for family in task.families:
        benches: dict[str, Bench] = {}
        for variant in family.variants:
            send(Started(family.name, variant.name))
            costs = task.costs[family.name][variant.name]
            try:
                benches[variant.name] = prepare(variant, family, costs, device, index, runtime)
            except Exception as error:  # a network may raise anything, and costs nobody else anything
                send(Failed(family.name, variant.name, *failure(error)))
        if benches:
            _sample(family.name, benches, task, device, rng, send)


def _sample(
    family: str, benches: "Mapping[str, Bench]", task: Task, device: Device, rng: random.Random, send: Send
) -> None:
    from benchcli.measure.bench import failure
    from benchcli.measure.sampling import sample_family

    running = ""

    def announce(name: str) -> None:
        nonlocal running
        running = name
        send(Started(family, name))

    try:
        for sample in sample_family(benches, task, device, rng, announce):
            send(Sampled(family, sample))
    except Exception as error:  # after it this process is not to be trusted: it ends, and the launch is made again
        send(Failed(family, running, *failure(error)))
        raise


def _sender(stream: TextIO) -> Send:
    def send(event: Event) -> None:
        stream.write(encode_event(event) + "\n")
        stream.flush()

    return send
