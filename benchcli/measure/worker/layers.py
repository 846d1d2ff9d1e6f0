"""Time the modules of each variant in a worker, in calls that alternate with untimed ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import torch

from benchcli.backends.devices.base import DEVICES, Device, split_name
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.costs.count import walk
from benchcli.costs.inputs import Inputs, tensors
from benchcli.measure.protocol import Event, Failed, Layered, Started, Task
from benchcli.measure.worker.bench import HARMLESS, Bench, Setting, failure, prepare
from benchcli.measure.worker.rounds import calls_per_sample, no_collection
from benchcli.schema import Layer, Layers, OperatorCall

WARM_UP_CALLS = 3
TIMED = 5
"""Timed calls between two untimed samples."""
SLOW_S = 1.0
"""Seconds of a call from which on one is timed at a time: the worker has to give signs of life."""
Marks = list[Any]
"""The marks of one call in their order, two items each: a module's path or None for its end, and a stamp."""


def time_layers(task: Task, send: Callable[[Event], None]) -> None:
    """Send the layers of each variant, or the error that prevented it."""
    kind, index = split_name(task.target.device)
    device, runtime = DEVICES[kind], RUNTIMES[task.target.runtime]
    setting = Setting(device, index, runtime, task.target.cache, lambda: False, task.seed)
    for family in task.families:
        for variant in family.variants:
            alive = partial(send, Started(family.name, variant.name))
            alive()
            try:
                bench = prepare(variant, family, task.costs[family.name][variant.name], setting)
                call_s, layers = _layers(bench, device, index, task, alive)
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(Failed(family.name, variant.name, *failure(error)))
                if device.errors_stick and not isinstance(error, HARMLESS):
                    raise
            else:
                send(Layered(Layers(family.name, variant.name, task.launch, call_s, layers)))


@dataclass
class _Seen:
    """What is known of a module besides its time."""

    kind: str
    inputs: str = ""
    outputs: str = ""
    calls: list[OperatorCall] = field(default_factory=list)


def _layers(
    bench: Bench, device: Device, index: int, task: Task, alive: Callable[[], None]
) -> tuple[float, tuple[Layer, ...]]:
    """Return the seconds of a call without stamps, and the modules with the medians of their own seconds."""
    network, inputs, stamps = bench.network, bench.inputs, device.stamps(index)
    if isinstance(network, torch.jit.ScriptModule) or type(network).__name__ == "OptimizedModule":
        raise NotImplementedError("a compiled or scripted network runs as a whole: it has no layers to time")
    for _ in range(WARM_UP_CALLS):
        bench.call()
        alive()
    seen = _look(network, inputs)
    plain: list[float] = []
    timed: list[Marks] = []
    start = perf_counter()
    with no_collection():
        calls = calls_per_sample(bench.timer(1).seconds, device.resolution_s)
        while not plain or (
            (len(plain) < task.rounds or perf_counter() - start < task.seconds)
            and perf_counter() - start < task.most_seconds
        ):
            alive()
            bench.lead()
            plain.append(bench.timer(calls).seconds / calls)
            alive()
            timed += stamped(network, bench.call, stamps.take, TIMED if plain[-1] < SLOW_S else 1)
        device.settle(index)
    own = [own_seconds(marks, stamps.seconds) for marks in timed]
    return median(plain), tuple(_layer(path, each, own, timed[0]) for path, each in seen.items())


def _layer(path: str, seen: _Seen, own: Sequence[Mapping[str, float]], marks: Marks) -> Layer:
    flops = [call.flops for call in seen.calls]
    return Layer(
        path=path,
        kind=seen.kind,
        calls=marks[::2].count(path),
        seconds=median(each.get(path, 0.0) for each in own),
        inputs=seen.inputs,
        outputs=seen.outputs,
        flops=None if None in flops else sum(each or 0 for each in flops),
        mac_bytes=sum(call.mac_bytes for call in seen.calls),
    )


def stamped(network: torch.nn.Module, call: Callable[[], Any], take: Callable[[], Any], calls: int) -> list[Marks]:
    """Return the marks of so many calls, after one without; no work but the calls lies between them."""
    found: list[Marks] = [[] for _ in range(calls + 1)]
    current: list[Marks] = [[]]
    with _marking(network, take, current):
        for marks in found:
            current[0] = marks
            call()
    return found[1:]


@contextmanager
def _marking(network: torch.nn.Module, take: Callable[[], Any], current: list[Marks]) -> Iterator[None]:
    """Mark the beginning and the end of each call of a module of the network during the block.

    No hooks: torch takes other paths through modules that have some. What runs beside the call itself
    is as little as can be, because it counts as the caller's own work.
    """
    names = {id(module): name for name, module in network.named_modules()}
    original, known = torch.nn.Module.__call__, names.get

    def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        path = known(id(module))
        if path is None:
            return original(module, *args, **kwargs)
        marks = current[0]
        marks += (path, take())
        try:
            return original(module, *args, **kwargs)
        finally:
            marks += (None, take())

    torch.nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.__call__ = original  # type: ignore[method-assign]


def own_seconds(marks: Marks, seconds: Callable[[Any, Any], float]) -> dict[str, float]:
    """Return the seconds of each module without those of the modules that it calls."""
    own: dict[str, float] = {}
    running: list[tuple[str, Any]] = []
    for path, stamp in zip(marks[::2], marks[1::2], strict=True):
        if path is not None:
            running.append((path, stamp))
            continue
        ended, start = running.pop()
        spent_s = seconds(start, stamp)
        own[ended] = own.get(ended, 0.0) + spent_s
        if running:
            caller = running[-1][0]
            own[caller] = own.get(caller, 0.0) - spent_s
    return own


def _look(network: torch.nn.Module, inputs: Inputs) -> dict[str, _Seen]:
    """Return the modules that a call reaches, by path, with their shapes and costs."""
    seen: dict[str, _Seen] = {}
    names = {id(module): name for name, module in network.named_modules()}
    original = torch.nn.Module.__call__

    def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        path = names.get(id(module))
        if path is None or path in seen:
            return original(module, *args, **kwargs)
        found = seen[path] = _Seen(type(module).__name__, _shapes((args, kwargs)))
        result = original(module, *args, **kwargs)
        found.outputs = _shapes(result)
        return result

    torch.nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        inputs.bound_to(network)()
    finally:
        torch.nn.Module.__call__ = original  # type: ignore[method-assign]
    for operator in walk(network, inputs).calls:
        if operator.module in seen:
            seen[operator.module].calls.append(operator)
    return seen


def _shapes(tree: object) -> str:
    return " ".join("x".join(map(str, tensor.shape)) or "a number" for tensor in tensors(tree))
