"""Time the operators of recipes one by one, in a worker, in three states of the caches.

In a network an operator finds its inputs where the one before has just written them, and its weights
where the rest of the network has left them. Called again and again by itself it finds both in the
nearest cache.
"""

import math
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import median
from typing import Any

import torch

from benchcli.backends.devices.base import Device, Timer
from benchcli.cost.inputs import Inputs, tensors
from benchcli.cost.memory import distinct
from benchcli.cost.storages import storage_of
from benchcli.noise.pace import Cores, Pace
from benchcli.sampling.failures import explanation
from benchcli.sampling.launch import device_of
from benchcli.sampling.operator_recipes import argument, operator_named
from benchcli.sampling.rounds import no_collection
from benchcli.schema import Costs
from benchcli.schema.protocol import OperatorTimed, Send, Started, Task
from benchcli.schema.recipes import DTYPE, FLOAT32, SHAPE, STRIDES, WEIGHT, OperatorRecipe, OperatorTimes
from benchcli.workloads.references import SIZE, WIDTH, arithmetic

SHORT_S, TICKS = 3e-4, 1000
"""The least seconds of a repetition with warm caches, and its least ticks of the clock."""
WARM, NEAR, ROUNDS = 5, 13, 9
"""Repetitions with warm caches, after flushes, and among other operators, after one that does not count."""
NEAR_SHARE = 2
"""A flush of the private caches reads so many times their size."""
NEAR_BYTES, FAR_BYTES = 2**22, 2**26
"""What flushes read: the first where the caches are not known, the second where the other operators are few."""
TOGETHER, TOGETHER_BYTES = 64, 2**29
"""The most operators that are called in turns, and the most bytes of their tensors."""
REFERENCES = 6
"""Calls of the reference network when the pace is asked, of which the fastest counts: it takes some to settle."""
REFERENCE_COSTS = Costs(10 * (WIDTH * SIZE) ** 2, 0, 0, 0, 20 * 4 * WIDTH * SIZE**2, 0, 0)
"""By which a simulated device times it."""
MOST_BYTES = 2**31
"""The most bytes of a recipe's tensors."""
PATIENCE_S = 0.1
"""Seconds for each operator, together, for which a launch waits for a core at its usual pace."""


@dataclass
class Prepared:
    """A call that follows a recipe."""

    call: "partial[object]"
    given: list[tuple[torch.Tensor, torch.Tensor]]
    """Its floating-point inputs that are no weights, with the values that are written before a call.

    They are random: what takes the largest of several guesses wrong, and so takes longer, if they differ.
    """
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
    pace: Pace
    """Of the core: what is taken while it is slow is taken again."""

    def reference_s(self) -> float:
        """Return the seconds of a call of the reference network now."""
        return min(self.pace.usual_seconds(REFERENCES, lambda: self.reference(1).seconds))


@dataclass
class _Alone:
    """An operator that was timed alone, and waits to be called among others."""

    number: int
    prepared: Prepared
    written: Sequence[tuple[int, ...]]
    """The shapes of what it writes to memory of its own."""
    timer: Timer
    warm_s: float
    near_s: float
    disturbed: bool
    """Whether one of its times was disturbed whenever it was taken."""
    far: list[float] = field(default_factory=list)
    """Its seconds among others."""
    far_disturbed: int = 0
    """How many of these were disturbed."""

    def event(self, reference_s: float) -> OperatorTimed:
        """Return its times, with those of the reference network in this launch."""
        far_s = median(self.far) if self.far else self.near_s
        times = OperatorTimes(max(self.warm_s, 0.0), max(self.near_s, 0.0), max(far_s, 0.0))
        disturbed = self.disturbed or 2 * self.far_disturbed > len(self.far)
        return OperatorTimed(self.number, times, reference_s=reference_s, disturbed=disturbed)


def time_operators(task: Task, send: Send) -> None:
    """Send the times of each recipe, or why it has none."""
    place, draw = _place(task), random.Random(task.seed)  # noqa: S311
    with no_collection():
        reference_s = place.reference_s()
        for numbers in _together(task.recipes):
            alone: list[_Alone] = []
            for number in numbers:
                send(Started("operators", str(number)))
                try:
                    alone.append(_timed_alone(number, task.recipes[number], place))
                except Exception as error:  # operators raise anything; the others go on
                    send(OperatorTimed(number, None, explanation(error)))
            _time_among_others(alone, place, draw, send)
            reference_s = min(reference_s, place.reference_s())
            for each in alone:
                send(each.event(reference_s))


def _place(task: Task) -> _Place:
    device, index = device_of(task)
    caches = device.caches(task.target.threads, index)
    private = NEAR_SHARE * caches["L2"] if "L2" in caches else NEAR_BYTES
    near, far = (torch.ones(size // 4, device=device.torch_name(index)) for size in (private, FAR_BYTES))
    empty = device.timer(lambda: near, Costs(0, 0, 0, 0, 0, 0, 0), index)
    clock_s = median(empty(1).seconds for _ in range(99))
    pace = Pace(device.pace(), patience_s=PATIENCE_S * len(task.recipes))
    if task.target.threads == 1:
        pace.move = Cores(task.launch).move
    return _Place(device, index, near, far, clock_s, _reference(device, index), pace)


def _together(recipes: Sequence[OperatorRecipe]) -> Iterator[list[int]]:
    """Yield the numbers of recipes that are called in turns."""
    numbers: list[int] = []
    size = 0
    for number, recipe in enumerate(recipes):
        if numbers and (len(numbers) == TOGETHER or size + recipe.bytes_ > TOGETHER_BYTES):
            yield numbers
            numbers, size = [], 0
        numbers.append(number)
        size += recipe.bytes_
    if numbers:
        yield numbers


def _time_among_others(alone: Sequence[_Alone], place: _Place, draw: random.Random, send: Send) -> None:
    """Call operators in turns, in another order in each round."""
    are_few = sum(tensor.nbytes for each in alone for tensor in _tensors_of(each.prepared)) < FAR_BYTES
    for number in range(ROUNDS + 1):
        for each in draw.sample(alone, len(alone)):
            if not number:
                send(Started("operators", str(each.number)))
            gave_up = place.pace.gave_up
            seconds = place.pace.usual_seconds(1, partial(_among_others, each, place, are_few))
            if number:
                each.far += seconds
                each.far_disturbed += place.pace.gave_up - gave_up


def _among_others(each: _Alone, place: _Place, are_few: bool) -> float:
    if are_few:
        place.far.sum()
    _touch(each.prepared.given, each.written, place.near)
    return each.timer(1).seconds - place.clock_s


def _tensors_of(prepared: Prepared) -> list[torch.Tensor]:
    return distinct(tensors((prepared.call.args, prepared.call.keywords)))


def _reference(device: Device, index: int) -> Timer:
    """Return the timer of the reference network that every run measures besides."""
    place = device.torch_name(index)
    network = arithmetic().eval().to(place)
    inputs = Inputs((torch.randn(1, WIDTH, SIZE, SIZE, device=place),), {})
    return device.timer(inputs.bound_to(network), REFERENCE_COSTS, index)


def _timed_alone(number: int, recipe: OperatorRecipe, place: _Place) -> _Alone:
    """Return what a recipe takes alone. Raises RecipeError if it cannot be followed, and what the operator raises."""
    torch.manual_seed(0)
    gave_up = place.pace.gave_up
    prepared = prepare(recipe, place.device.torch_name(place.index))
    written = _new(prepared)
    timer = place.device.timer(prepared.call, prepared.costs, place.index)  # type: ignore[arg-type]
    once_s = min(timer(1).seconds for _ in range(2))
    calls = max(1, math.ceil(max(SHORT_S, TICKS * place.device.resolution_s) / max(once_s, 1e-9)))
    warm_s = median(place.pace.usual_seconds(WARM, lambda: timer(calls).seconds / calls))

    def flushed() -> float:
        place.near.sum()
        _touch(prepared.given, written, place.near)
        return timer(1).seconds - place.clock_s

    flushed()
    near_s = median(place.pace.usual_seconds(NEAR, flushed))
    return _Alone(number, prepared, written, timer, warm_s, near_s, place.pace.gave_up > gave_up)


def _new(prepared: Prepared) -> list[tuple[int, ...]]:
    """Return the shapes of what a call writes to memory of its own."""
    own = {storage_of(each) for each in _tensors_of(prepared)}
    made = distinct([each for each in tensors(prepared.call()) if storage_of(each) not in own])
    return [tuple(each.shape) for each in made]


def _touch(
    given: Sequence[tuple[torch.Tensor, torch.Tensor]], written: Sequence[tuple[int, ...]], like: torch.Tensor
) -> None:
    """Write an operator's inputs, and memory as large as its outputs, which the allocator then gives to it.

    In a network the one before has just written them, or left it.
    """
    for shape in written:
        like.new_empty(shape).fill_(0.5)
    for tensor, values in given:
        tensor.copy_(values)


def prepare(recipe: OperatorRecipe, place: str) -> Prepared:
    """Return the call of a recipe, on a device of torch. Raises RecipeError if it cannot be followed."""
    operator = operator_named(recipe.operator)
    if recipe.bytes_ > MOST_BYTES:
        raise MemoryError(f"its tensors have {recipe.bytes_} bytes")
    given: list[tuple[torch.Tensor, torch.Tensor]] = []

    def make(described: Mapping[str, Any]) -> torch.Tensor:
        tensor = _tensor(described, place)
        if not described.get(WEIGHT) and tensor.is_floating_point():
            flat = _flat(tensor)
            given.append((flat, flat.clone()))
        return tensor

    arguments = [argument(each, make) for each in recipe.arguments]
    keywords = {name: argument(each, make) for name, each in recipe.keywords.items()}
    return Prepared(partial(operator, *arguments, **keywords), given, Costs(0, 0, 0, 0, recipe.bytes_, 0, 0))


def _tensor(described: Mapping[str, Any], place: str) -> torch.Tensor:
    """Return a tensor of random numbers from 0.1 to 1; of zeros if they are whole, which are places in every table."""
    dtype = getattr(torch, described.get(DTYPE, FLOAT32))
    shape = described[SHAPE]
    strides = described.get(STRIDES)
    tensor = (
        torch.empty_strided(shape, strides, dtype=dtype, device=place)
        if strides is not None
        else torch.empty(shape, dtype=dtype, device=place)
    )
    flat = _flat(tensor)
    if dtype.is_floating_point:
        flat.copy_(torch.rand(flat.shape, device=place).mul_(0.9).add_(0.1))
    else:
        flat.fill_(0.5 if dtype.is_complex else 0)
    return tensor


def _flat(tensor: torch.Tensor) -> torch.Tensor:
    """Return the memory of a tensor, each element once, also where it is expanded."""
    return tensor.as_strided((tensor.untyped_storage().nbytes() // tensor.element_size(),), (1,), 0)
