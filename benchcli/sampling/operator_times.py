"""Time the operators of recipes one by one, in a worker, in three states of the caches.

In a network an operator finds its inputs where the one before has just written them, and its weights
where the rest of the network has left them. Called again and again by itself it finds both in the
nearest cache.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import median
from typing import Any

import torch

from benchcli.backends.devices.base import Device, Timer
from benchcli.cost.inputs import Inputs, tensors
from benchcli.cost.memory import distinct
from benchcli.cost.storages import storage_of
from benchcli.sampling.failures import explanation
from benchcli.sampling.launch import device_of, keep_to_core
from benchcli.sampling.operator_recipes import argument, operator_named
from benchcli.sampling.rounds import no_collection
from benchcli.schema import Costs
from benchcli.schema.protocol import OperatorTimed, Send, Started, Task
from benchcli.schema.recipes import DTYPE, FLOAT32, SHAPE, STRIDES, WEIGHT, OperatorRecipe, OperatorTimes
from benchcli.workloads.references import SIZE, WIDTH, arithmetic

SHORT_S, TICKS = 3e-4, 1000
"""The least seconds of a repetition with warm caches, and its least ticks of the clock."""
WARM, NEAR, FAR = 5, 13, 3
"""Repetitions in each state, after one that does not count."""
NEAR_SHARE = 2
"""A flush of the private caches reads so many times their size."""
NEAR_BYTES, FAR_BYTES = 2**22, 2**25
"""What flushes read: the first where the caches are not known."""
REFERENCES = 6
"""Calls of the reference network before and after each operator, of which the fastest counts: it takes some to settle."""
REFERENCE_COSTS = Costs(10 * (WIDTH * SIZE) ** 2, 0, 0, 0, 20 * 4 * WIDTH * SIZE**2, 0, 0)
"""By which a simulated device times it."""
MOST_BYTES = 2**31
"""The most bytes of a recipe's tensors."""


@dataclass
class Prepared:
    """A call that follows a recipe."""

    call: "partial[object]"
    given: list[torch.Tensor]
    """Its floating-point inputs that are no weights, which are written before a call, as by another operator."""
    costs: Costs
    """By which a simulated device times it."""


@dataclass(frozen=True)
class _Place:
    """Where operators are timed."""

    device: Device
    index: int
    near: torch.Tensor
    far: torch.Tensor
    clock_s: float
    """What timing takes that calls nothing."""
    reference: Timer
    """Of the reference network."""

    def reference_s(self) -> float:
        """Return the seconds of a call of the reference network now."""
        return min(self.reference(1).seconds for _ in range(REFERENCES))


def time_operators(task: Task, send: Send) -> None:
    """Send the times of each recipe, or why it has none."""
    device, index = device_of(task)
    if device.pinned and task.target.threads == 1:
        keep_to_core(task.launch)
    caches = device.caches(task.target.threads, index)
    private = NEAR_SHARE * caches["L2"] if "L2" in caches else NEAR_BYTES
    near, far = (
        torch.ones(size // 4, device=device.torch_name(index)) for size in (private, max(FAR_BYTES, 2 * private))
    )
    empty = device.timer(lambda: near, Costs(0, 0, 0, 0, 0, 0, 0), index)
    clock_s = median(empty(1).seconds for _ in range(99))
    place = _Place(device, index, near, far, clock_s, _reference(device, index))
    with no_collection():
        for number, recipe in enumerate(task.recipes):
            send(Started("operators", str(number)))
            try:
                before_s, times, after_s = place.reference_s(), timed(recipe, place), place.reference_s()
                send(OperatorTimed(number, times, reference_s=(before_s + after_s) / 2))
            except Exception as error:  # operators raise anything; the others go on
                send(OperatorTimed(number, None, explanation(error)))


def _reference(device: Device, index: int) -> Timer:
    """Return the timer of the reference network that every run measures besides."""
    place = device.torch_name(index)
    network = arithmetic().eval().to(place)
    inputs = Inputs((torch.randn(1, WIDTH, SIZE, SIZE, device=place),), {})
    return device.timer(inputs.bound_to(network), REFERENCE_COSTS, index)


def timed(recipe: OperatorRecipe, place: _Place) -> OperatorTimes:
    """Return the times of a recipe. Raises RecipeError if it cannot be followed, and what the operator raises."""
    torch.manual_seed(0)
    prepared = prepare(recipe, place.device.torch_name(place.index))
    written = _new(prepared)
    timer = place.device.timer(prepared.call, prepared.costs, place.index)  # type: ignore[arg-type]
    once_s = min(timer(1).seconds for _ in range(2))
    calls = max(1, math.ceil(max(SHORT_S, TICKS * place.device.resolution_s) / max(once_s, 1e-9)))
    warm_s = median(timer(calls).seconds / calls for _ in range(WARM))
    near_s, far_s = (
        median(list(_after_flushes(timer, prepared.given, written, flush, times))[1:]) - place.clock_s
        for flush, times in ((place.near, NEAR), (place.far, FAR))
    )
    return OperatorTimes(warm_s, max(near_s, 0.0), max(far_s, 0.0))


def _new(prepared: Prepared) -> list[tuple[int, ...]]:
    """Return the shapes of what a call writes to memory of its own."""
    own = {storage_of(each) for each in tensors((prepared.call.args, prepared.call.keywords))}
    made = distinct([each for each in tensors(prepared.call()) if storage_of(each) not in own])
    return [tuple(each.shape) for each in made]


def _after_flushes(
    timer: Timer, given: Sequence[torch.Tensor], written: Sequence[tuple[int, ...]], flush: torch.Tensor, times: int
) -> Iterator[float]:
    """Yield the seconds of single calls, before each of which the caches are flushed.

    After the flush its inputs are written, and memory as large as its outputs, which the allocator then gives
    to it: in a network it is what an earlier operator has just left.
    """
    for _ in range(times + 1):
        flush.sum()
        for shape in written:
            flush.new_empty(shape).fill_(0.5)
        for each in given:
            each.fill_(0.5)
        yield timer(1).seconds


def prepare(recipe: OperatorRecipe, place: str) -> Prepared:
    """Return the call of a recipe, on a device of torch. Raises RecipeError if it cannot be followed."""
    operator = operator_named(recipe.operator)
    if recipe.bytes_ > MOST_BYTES:
        raise MemoryError(f"its tensors have {recipe.bytes_} bytes")
    given: list[torch.Tensor] = []

    def make(described: Mapping[str, Any]) -> torch.Tensor:
        tensor = _tensor(described, place)
        if not described.get(WEIGHT) and tensor.is_floating_point():
            given.append(tensor)
        return tensor

    arguments = [argument(each, make) for each in recipe.arguments]
    keywords = {name: argument(each, make) for name, each in recipe.keywords.items()}
    return Prepared(partial(operator, *arguments, **keywords), given, Costs(0, 0, 0, 0, recipe.bytes_, 0, 0))


def _tensor(described: Mapping[str, Any], place: str) -> torch.Tensor:
    """Return a tensor of halves; of zeros if its dtype has none, which are places in every table."""
    dtype = getattr(torch, described.get(DTYPE, FLOAT32))
    shape = described[SHAPE]
    strides = described.get(STRIDES)
    tensor = (
        torch.empty_strided(shape, strides, dtype=dtype, device=place)
        if strides is not None
        else torch.empty(shape, dtype=dtype, device=place)
    )
    return tensor.fill_(0.5 if dtype.is_floating_point or dtype.is_complex else 0)
