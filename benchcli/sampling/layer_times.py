"""Time the modules of each variant in a worker, in calls that alternate with untimed ones."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median
from threading import get_ident
from typing import Any

import torch

from benchcli.backends.devices.base import Device
from benchcli.cost.calls import CallStack, ModuleCall, is_compiled, module_calls
from benchcli.cost.count import walk
from benchcli.cost.inputs import Inputs, tensors
from benchcli.sampling.bench import Bench
from benchcli.sampling.rounds import calls_per_sample, no_collection
from benchcli.sampling.tracing import Subject, repeated, trace_each, warm_up
from benchcli.schema import Layer, Layers, OperatorCall, sizes
from benchcli.schema.protocol import Layered, Send, Task
from benchcli.spelling import given
from benchcli.system.counters import usage

TIMED = 5
"""Timed calls between two untimed samples."""
SLOW_S = 1.0
"""Seconds of a call from which on one is timed at a time: the worker has to give signs of life."""
ASIDE = "(aside)"
"""The path of what is done besides the call, whose time is no module's."""
NOTHING = nullcontext()
Wrapper = Callable[[ModuleCall], ModuleCall]
Marks = list[Any]
"""The marks of one call in their order, two items each: a module's path or None for its end, and a stamp."""


def time_layers(task: Task, send: Send) -> None:
    """Send the layers of each variant, or the error that prevented it."""
    trace_each(task, send, _timed)


def _timed(of: Subject) -> Layered:
    call_s, layers = _layers(of.bench, of.device, of.index, of.task, of.alive)
    return Layered(Layers(of.family, of.variant, of.task.launch, call_s, layers))


@dataclass
class _Seen:
    """A module's class, shapes and operators."""

    kind: str
    inputs: str = ""
    outputs: str = ""
    calls: list[OperatorCall] = field(default_factory=list)
    is_whole: bool = False


def _layers(
    bench: Bench, device: Device, index: int, task: Task, alive: Callable[[], None]
) -> tuple[float, tuple[Layer, ...]]:
    """Return the seconds of a call without stamps, and the modules with the medians of their own seconds."""
    network, inputs, stamps = bench.network, bench.inputs, device.stamps(index)
    if isinstance(network, torch.jit.ScriptModule) or is_compiled(network):
        raise NotImplementedError(
            "TorchScript or torch.compile runs it as a whole, and calls none of its modules one by one: "
            f"{given('breakdown')} shows its time by operator"
        )
    warm_up(bench, alive)
    seen = _look(network, inputs)
    with no_collection():
        calls = calls_per_sample(bench.timer(1).seconds, device.resolution_s)

        def measure() -> tuple[float, list[Marks]]:
            bench.lead()
            call_s = bench.timer(calls).seconds / calls
            alive()
            return call_s, stamped(network, bench.call, stamps.take, TIMED if call_s < SLOW_S else 1)

        rounds = repeated(measure, task, alive, least=1)
        device.settle(index)
    timed = [marks for _, several in rounds for marks in several]
    own = [own_seconds(marks, stamps.seconds) for marks in timed]
    return median(call_s for call_s, _ in rounds), tuple(
        _layer(path, each, own, timed[0]) for path, each in seen.items()
    )


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
        operators=len(seen.calls),
        is_whole=seen.is_whole,
    )


def stamped(
    network: torch.nn.Module, call: Callable[[], object], take: Callable[[], object], calls: int
) -> list[Marks]:
    """Return the marks of `calls` calls, made without other work between them, after one that does not count."""
    calls_marks: list[Marks] = [[] for _ in range(calls + 1)]
    current: list[Marks] = [[]]
    with module_calls(_marking(CallStack(network), take, current)):
        for marks in calls_marks:
            current[0] = marks
            call()
    return calls_marks[1:]


def _marking(stack: CallStack, take: Callable[[], object], current: list[Marks]) -> Wrapper:
    """Return a wrapper that marks the beginning and the end of each call of a module of the network.

    It does little besides, because its own time counts as the caller's. What other threads call is
    part of the call that waits for them.
    """
    enter, leave, thread = stack.enter, stack.leave, get_ident()

    def wrapper(original: ModuleCall) -> ModuleCall:
        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread:
                return original(module, *args, **kwargs)
            scope, marks = enter(module), current[0]
            try:
                if scope is None:
                    return original(module, *args, **kwargs)
                with _as_it_was(original, marks, take) if scope.is_compiled else NOTHING:
                    marks += (scope.path, take())
                    try:
                        return original(module, *args, **kwargs)
                    finally:
                        marks += (None, take())
            finally:
                leave()

        return call

    return wrapper


@contextmanager
def _as_it_was(original: ModuleCall, marks: Marks, take: Callable[[], object]) -> Iterator[None]:
    """Put `nn.Module.__call__` back during the block; the time that this takes is no module's.

    The compiler looks at the method, and would compile again what replaces it.
    """
    marks += (ASIDE, take())
    try:
        with module_calls(lambda _: original):
            marks += (None, take())
            try:
                yield
            finally:
                marks += (ASIDE, take())
    finally:
        marks += (None, take())


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
    stack, thread = CallStack(network), get_ident()

    def wrapper(original: ModuleCall) -> ModuleCall:
        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread:
                return original(module, *args, **kwargs)
            scope = stack.enter(module)
            noted = _Seen(type(module).__name__, _shapes((args, kwargs)))
            if scope and scope.path not in seen:
                seen[scope.path] = noted
            try:
                with module_calls(lambda _: original) if scope and scope.is_compiled else NOTHING:
                    result = original(module, *args, **kwargs)
            finally:
                stack.leave()
            noted.outputs = _shapes(result)
            return result

        return call

    with module_calls(wrapper):
        inputs.bound_to(network)()
    for operator in walk(network, inputs).calls:
        path = operator.module
        while path and path not in seen:  # compiled modules show none of those in them, nor does attention's fast path
            path = path.rpartition(".")[0]
        seen[path].calls.append(operator)
        seen[path].is_whole |= path != operator.module
    return seen


def _shapes(tree: object) -> str:
    return " ".join(sizes(tensor.shape) for tensor in tensors(tree))
