"""Time the modules of each variant in a worker, in calls that alternate with untimed ones."""

import math
from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from statistics import median
from threading import get_ident
from time import perf_counter
from typing import Any, TypeVar

import torch

from benchcli.backends.devices.base import Device, Stamps
from benchcli.backends.runtimes.base import Profiler
from benchcli.cost.calls import CallStack, ModuleCall, is_compiled, module_calls
from benchcli.cost.count import walk
from benchcli.cost.inputs import Inputs, tensors
from benchcli.sampling.bench import Bench
from benchcli.sampling.node_owners import NodeOwners
from benchcli.sampling.rounds import CLOCK_TICKS, MOST_CALLS, no_collection
from benchcli.sampling.tracing import Subject, repeated, trace_each, warm_up
from benchcli.schema import Layer, Layers, OperatorCall, sizes
from benchcli.schema.protocol import Layered, Send, Task
from benchcli.spelling import given
from benchcli.system.counters import usage
from benchcli.workloads.onnx_network import OnnxNetwork

TIMED = 5
"""Calls with stamps, and samples without, of a round."""
LEAST_CALM = 5
"""The fewest calls that no other process interrupted with which interrupted ones are left out."""
SLOW_S = 0.05
"""Seconds of a call from which on one is timed at a time: calls with and without stamps take turns more often."""
IDENTITIES, IDENTITY_ROUNDS = 50, 30
"""Modules that do nothing, and calls of them, which show what stamping adds to a call."""
ASIDE = "(aside)"
"""The path of what is done besides the call, whose time is no module's."""
NOTHING = nullcontext()
Wrapper = Callable[[ModuleCall], ModuleCall]
Marks = list[Any]
"""The marks of one call in their order, two items each: a module's path or None for its end, and a stamp."""
Value = TypeVar("Value")
Observed = tuple[Value, bool]
"""What was measured, and whether the system gave the core to another process meanwhile."""


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
    network, inputs = bench.network, bench.inputs
    if isinstance(network, torch.jit.ScriptModule) or is_compiled(network):
        raise NotImplementedError(
            "TorchScript or torch.compile runs it as a whole, and calls none of its modules one by one: "
            f"{given('breakdown')} shows its time by operator"
        )
    if isinstance(network, OnnxNetwork):
        raise NotImplementedError(f"an ONNX file has no modules: {given('breakdown')} shows its time by kind of node")
    warm_up(bench, alive)
    operators = walk(network, inputs).calls
    seen = _look(network, inputs, operators)
    trace = (
        _ByNodes(bench.profiler, seen, operators)
        if bench.profiler
        else _ByStamps(network, bench.call, device.stamps(index))
    )
    with no_collection():
        first_s = bench.timer(1).seconds
        calls, number = _calls_of_sample(first_s, device.resolution_s), TIMED if first_s < SLOW_S else 1

        def measure() -> list[Observed[float]]:
            bench.lead()
            plain = [_observed(lambda: bench.timer(calls).seconds / calls) for _ in range(number)]
            alive()
            trace.take(number)
            return plain

        plain = [each for several in repeated(measure, task, alive, least=1) for each in several]
        own, counts = trace.finish()
        device.settle(index)
    return median(calm(plain)), tuple(_layer(path, each, own, counts) for path, each in seen.items())


class _Trace(ABC):
    """Times the modules of calls that alternate with others."""

    @abstractmethod
    def take(self, number: int) -> None:
        """Make so many calls that count, one after the other, after one that does not."""

    @abstractmethod
    def finish(self) -> tuple[list[Mapping[str, float]], Mapping[str, int]]:
        """Return the seconds of each module's own in each call, and how often a call calls it."""


class _ByStamps(_Trace):
    """Takes the time where a module's call begins and where it ends."""

    def __init__(self, network: torch.nn.Module, call: Callable[[], object], stamps: Stamps) -> None:
        self._network, self._call, self._stamps = network, call, stamps
        self._marks: list[Observed[Marks]] = []

    def take(self, number: int) -> None:
        self._marks += stamped(self._network, self._call, self._stamps, number)

    def finish(self) -> tuple[list[Mapping[str, float]], Mapping[str, int]]:
        over_s, timed = left_over_s(self._stamps), calm(self._marks)
        return [own_seconds(marks, self._stamps.seconds, over_s) for marks in timed], Counter(timed[0][::2])


class _ByNodes(_Trace):
    """Lets the runtime's profiler tell the time of each node of its graph, which is of a module."""

    def __init__(self, profiler: Profiler, seen: Mapping[str, "_Seen"], operators: Sequence[OperatorCall]) -> None:
        self._profiler, self._paths = profiler, seen
        self._owners = NodeOwners(seen, operators)
        self._calls: list[Observed[bool]] = []

    def take(self, number: int) -> None:
        for counts in (False, *[True] * number):
            _, is_interrupted = _observed(self._profiler.call)
            self._calls.append((counts, is_interrupted))

    def finish(self) -> tuple[list[Mapping[str, float]], Mapping[str, int]]:
        pairs = zip(self._profiler.finish(), self._calls, strict=True)
        timed = calm([(nodes, is_interrupted) for nodes, (counts, is_interrupted) in pairs if counts])
        return [self._owners.seconds(nodes) for nodes in timed], dict.fromkeys(self._paths, 1)


def _calls_of_sample(call_s: float, resolution_s: float) -> int:
    """Return how many calls make a sample that the clock resolves.

    It is as short as a call with stamps wherever it can be: what interrupts long samples and not short
    calls would be in the time of the whole, and not in those of its parts.
    """
    return min(MOST_CALLS, max(1, math.ceil(CLOCK_TICKS * resolution_s / max(call_s, 1e-9))))


def _observed(measure: Callable[[], Value]) -> Observed[Value]:
    """Return what is measured, and whether another process got the core meanwhile."""
    before = usage()
    value = measure()
    after = usage()
    return value, bool(before and after and after.involuntary_switches > before.involuntary_switches)


def calm(several: Sequence[Observed[Value]]) -> list[Value]:
    """Return the values of the calls that were not interrupted; of all, if those are too few."""
    kept = [value for value, interrupted in several if not interrupted]
    return kept if len(kept) >= LEAST_CALM else [value for value, _ in several]


def _layer(path: str, seen: _Seen, own: Sequence[Mapping[str, float]], counts: Mapping[str, int]) -> Layer:
    flops = [call.flops for call in seen.calls]
    return Layer(
        path=path,
        kind=seen.kind,
        calls=counts[path],
        seconds=max(0.0, median(each.get(path, 0.0) for each in own)),
        inputs=seen.inputs,
        outputs=seen.outputs,
        flops=None if None in flops else sum(each or 0 for each in flops),
        mac_bytes=sum(call.mac_bytes for call in seen.calls),
        operators=len(seen.calls),
        is_whole=seen.is_whole,
    )


def stamped(network: torch.nn.Module, call: Callable[[], object], stamps: Stamps, calls: int) -> list[Observed[Marks]]:
    """Return the marks of `calls` calls, made without other work between them, after one that does not count."""
    current: list[Marks] = [[]]

    def marked() -> Marks:
        current[0] = []
        call()
        return current[0]

    with module_calls(_marking(CallStack(network), stamps, current)):
        return [_observed(marked) for _ in range(calls + 1)][1:]


def _marking(stack: CallStack, stamps: Stamps, current: list[Marks]) -> Wrapper:
    """Return a wrapper that marks the beginning and the end of each call of a module of the network.

    On the host, what it does besides is marked too, and is no module's. What other threads call is part
    of the call that waits for them.
    """
    enter, leave, thread = stack.enter, stack.leave, get_ident()
    take, is_of_host = stamps.take, stamps.is_of_host

    def wrapper(original: ModuleCall) -> ModuleCall:
        def call(module: torch.nn.Module, *args: Any, **kwargs: Any) -> Any:
            if get_ident() != thread:
                return original(module, *args, **kwargs)
            begun = take() if is_of_host else None
            scope, marks, ended = enter(module), current[0], None
            try:
                if scope is None:
                    return original(module, *args, **kwargs)
                if scope.is_compiled:
                    with _as_it_was(original, marks, take, begun):
                        return _marked(original, marks, take, scope.path, module, *args, **kwargs)
                now = take()
                marks += (scope.path, now) if begun is None else (ASIDE, begun, None, now, scope.path, now)
                try:
                    return original(module, *args, **kwargs)
                finally:
                    ended = take()
                    marks += (None, ended)
            finally:
                leave()
                if begun is not None and ended is not None:
                    marks += (ASIDE, ended, None, take())

        return call

    return wrapper


def _marked(
    original: ModuleCall, marks: Marks, take: Callable[[], object], path: str, /, *args: Any, **kwargs: Any
) -> Any:
    """Return what a call returns, with its beginning and its end marked."""
    marks += (path, take())
    try:
        return original(*args, **kwargs)
    finally:
        marks += (None, take())


@contextmanager
def _as_it_was(original: ModuleCall, marks: Marks, take: Callable[[], object], begun: object) -> Iterator[None]:
    """Put `nn.Module.__call__` back during the block; the time that this takes, since `begun`, is no module's.

    The compiler looks at the method, and would compile again what replaces it.
    """
    marks += (ASIDE, take() if begun is None else begun)
    try:
        with module_calls(lambda _: original):
            marks += (None, take())
            try:
                yield
            finally:
                marks += (ASIDE, take())
    finally:
        marks += (None, take())


def left_over_s(stamps: Stamps) -> float:
    """Return the seconds that stamping adds to each call of a module, and that are in no mark of its own.

    They are seen at modules that do nothing. On an accelerator, whose queue hides them, there are none.
    """
    if stamps.is_simulated or not stamps.is_of_host:
        return 0.0
    chain, nothing = torch.nn.Sequential(*(torch.nn.Identity() for _ in range(IDENTITIES))), torch.empty(0)
    plain_s, stamped_s = math.inf, math.inf
    for _ in range(IDENTITY_ROUNDS):
        begun_s = perf_counter()
        chain(nothing)
        plain_s = min(plain_s, perf_counter() - begun_s)
        ((marks, _),) = stamped(chain, lambda: chain(nothing), stamps, 1)
        own = own_seconds(marks, stamps.seconds)
        stamped_s = min(stamped_s, sum(each for path, each in own.items() if path != ASIDE))
    return max(0.0, stamped_s - plain_s) / (IDENTITIES + 1)


def own_seconds(marks: Marks, seconds: Callable[[Any, Any], float], over_s: float = 0.0) -> dict[str, float]:
    """Return the seconds of each module without those of the modules that it calls.

    Of `over_s`, which stamping adds to each call, one half is the module's and the other its caller's.
    """
    own: dict[str, float] = {}
    running: list[tuple[str, Any]] = []
    for path, stamp in zip(marks[::2], marks[1::2], strict=True):
        if path is not None:
            running.append((path, stamp))
            continue
        ended, start = running.pop()
        spent_s, half_s = seconds(start, stamp), 0.0 if ended == ASIDE else over_s / 2
        own[ended] = own.get(ended, 0.0) + spent_s - half_s
        if running:
            caller = running[-1][0]
            own[caller] = own.get(caller, 0.0) - spent_s - half_s
    return own


def _look(network: torch.nn.Module, inputs: Inputs, operators: Sequence[OperatorCall]) -> dict[str, _Seen]:
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
    for operator in operators:
        path = operator.module
        while path and path not in seen:  # compiled modules show none of those in them, nor does attention's fast path
            path = path.rpartition(".")[0]
        seen[path].calls.append(operator)
        seen[path].is_whole |= path != operator.module
    return seen


def _shapes(tree: object) -> str:
    return " ".join(sizes(tensor.shape) for tensor in tensors(tree))
