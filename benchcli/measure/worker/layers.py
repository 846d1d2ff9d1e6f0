"""Time the modules of each variant in a worker, in calls that alternate with untimed ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from time import perf_counter
from typing import Any

import torch

from benchcli.backends.devices.base import DEVICES, Device, Stamps, split_name
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
class _Span:
    """One call of a module."""

    path: str
    parent: "_Span | None"
    start: Any = None
    end: Any = None


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
    for _ in range(WARM_UP_CALLS):
        bench.call()
        alive()
    seen = _look(network, inputs)
    plain: list[float] = []
    timed: list[list[_Span]] = []
    start = perf_counter()
    with no_collection():
        calls = calls_per_sample(bench.timer(1).seconds, device.resolution_s)
        _stamped(bench, stamps, 1)  # the first one is slower
        while not plain or (
            (len(plain) < task.rounds or perf_counter() - start < task.seconds)
            and perf_counter() - start < task.most_seconds
        ):
            alive()
            bench.lead()
            plain.append(bench.timer(calls).seconds / calls)
            timed += _stamped(bench, stamps, TIMED)
        device.settle(index)
    own = [_own_seconds(spans, stamps) for spans in timed]
    return median(plain), tuple(_layer(path, each, own, timed[0]) for path, each in seen.items())


def _layer(path: str, seen: _Seen, own: Sequence[Mapping[str, float]], spans: Sequence[_Span]) -> Layer:
    flops = [call.flops for call in seen.calls]
    return Layer(
        path=path,
        kind=seen.kind,
        calls=sum(span.path == path for span in spans),
        seconds=median(each.get(path, 0.0) for each in own),
        inputs=seen.inputs,
        outputs=seen.outputs,
        flops=None if None in flops else sum(each or 0 for each in flops),
        mac_bytes=sum(call.mac_bytes for call in seen.calls),
    )


def _stamped(bench: Bench, stamps: Stamps, calls: int) -> list[list[_Span]]:
    """Call the network with stamps at the beginning and the end of each module; return the calls' spans."""
    found = []
    for _ in range(calls):
        spans: list[_Span] = []
        with _marking(bench.network, stamps.take, spans):
            bench.call()
        found.append(spans)
    return found


@contextmanager
def _marking(network: torch.nn.Module, take: Callable[[], Any], spans: list[_Span]) -> Iterator[None]:
    """Note a span for each call of a module of the network during the block.

    No hooks: torch takes other paths through modules that have some.
    """
    names = {id(module): name for name, module in network.named_modules()}
    original = torch.nn.Module.__call__
    current: list[_Span | None] = [None]

    def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
        path = names.get(id(module))
        if path is None:
            return original(module, *args, **kwargs)
        span = _Span(path, current[0])
        spans.append(span)
        current[0] = span
        span.start = take()
        try:
            return original(module, *args, **kwargs)
        finally:
            span.end = take()
            current[0] = span.parent

    torch.nn.Module.__call__ = call  # type: ignore[method-assign]
    try:
        yield
    finally:
        torch.nn.Module.__call__ = original  # type: ignore[method-assign]


def _own_seconds(spans: Sequence[_Span], stamps: Stamps) -> dict[str, float]:
    """Return the seconds of each module without those of the modules that it calls."""
    own: dict[str, float] = {}
    for span in spans:
        seconds = stamps.seconds(span.start, span.end)
        own[span.path] = own.get(span.path, 0.0) + seconds
        if span.parent:
            own[span.parent.path] = own.get(span.parent.path, 0.0) - seconds
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
