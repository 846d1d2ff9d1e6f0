"""Trace one variant after the other in a worker: what the profile, layers and kernels share."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TypeVar

from benchcli.backends.devices.base import Device
from benchcli.sampling.bench import Bench, Setup, prepare, spoils
from benchcli.sampling.failures import failed
from benchcli.schema import Costs, OfVariant
from benchcli.schema.protocol import Event, Send, Started, Task

Value = TypeVar("Value")
WARM_UP_CALLS = 3


@dataclass(frozen=True)
class Subject(OfVariant):
    """A variant that is ready to be traced, and where."""

    costs: Costs
    bench: Bench
    device: Device
    index: int
    task: Task
    alive: Callable[[], None]
    """Reports to the engine that the worker makes progress."""


def trace_each(task: Task, send: Send, trace: Callable[[Subject], Event]) -> None:
    """Send the trace of each variant, or the error that prevented it."""
    setup = Setup.of(task)
    device, index = setup.place.device, setup.place.index
    for family in task.families:
        for variant in family.variants:
            alive = partial(send, Started(family.name, variant.name))
            alive()
            try:
                costs = task.costs[family.name][variant.name]
                bench = prepare(variant, family, costs, setup.reporting(alive))
                traced = trace(Subject(family.name, variant.name, costs, bench, device, index, task, alive))
            except Exception as error:  # A network may raise anything; the other variants go on.
                send(failed((family.name, variant.name), error))
                if spoils(error, device):
                    raise
            else:
                send(traced)


def warm_up(bench: Bench, alive: Callable[[], None]) -> None:
    """Make the calls that no tracing counts."""
    for _ in range(WARM_UP_CALLS):
        bench.call()
        alive()


def repeated(measure: Callable[[], Value], task: Task, alive: Callable[[], None], least: int) -> list[Value]:
    """Measure at least so often, and until the task's rounds and seconds, or its most seconds, are reached."""
    values: list[Value] = []
    start = perf_counter()
    while len(values) < least or not _enough(len(values), perf_counter() - start, task):
        alive()
        values.append(measure())
    return values


def _enough(rounds: int, elapsed_s: float, task: Task) -> bool:
    return elapsed_s >= task.most_seconds or (rounds >= task.rounds and elapsed_s >= task.seconds)
