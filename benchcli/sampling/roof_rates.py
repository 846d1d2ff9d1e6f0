"""Repeat work that reaches the roofs of a device, in a worker: products, convolutions, accesses, dispatching.

Torch's operators do it, because nothing else runs in what is measured. Dispatching one takes longer than
reading a small cache once. So what is moved in a cache is moved by one call in many rows, which lie in the
same bytes.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import torch

from benchcli.backends.devices.base import Device, Timer
from benchcli.sampling.launch import device_on_core
from benchcli.sampling.rounds import no_collection
from benchcli.sampling.tracing import repeated
from benchcli.schema import Costs
from benchcli.schema.protocol import Reached, Send, Started, Task
from benchcli.schema.roofs import MEMORY, Access, Work
from benchcli.settings import DTYPES
from benchcli.system.machine import memory_bytes

SIDES = (256, 512, 1024, 2048, 4096, 8192)
"""Of the square matrices that are tried, the smallest first."""
SHAPES = ((64, 1), (128, 1), (256, 1), (512, 1), (512, 8), (512, 32))
"""Channels and batches of the convolutions that are tried."""
SIZE = 28
"""Height and width of their images."""
WINDOWS = ((1, torch.channels_last), (3, torch.channels_last), (3, torch.contiguous_format))
"""Their windows, and the memory formats of their images."""
LONG_S = 5e-3
"""Seconds of a call after which no larger one is tried."""
TRIES = 5
SHORT_S, TICKS = 3e-4, 1000
"""The least seconds of a repetition, and its least ticks of the clock. Short ones are rarely interrupted."""
OPERATORS = 100
"""Operators in the call that times dispatching."""
LEAST_BYTES, MOST_BYTES = 2**26, 2**30
"""Of the array that measures the memory."""
SLICE_BYTES = 2**25
"""Of the part of it that a call takes, each another one, so that it has left the caches since it was used."""
MOST_SHARE = 8
"""It takes at most one in so many bytes of the memory."""
BEYOND = 4
"""How many times the level before it an array takes, so that little of it stays there."""
MOVED_BYTES = 2**23
"""About what one call moves in a cache."""
LINE = 16
"""Numbers of four bytes in a cache line, by which rows in the same array lie apart."""
TURNS = 8
"""The rows of one dimension. Several dimensions make many rows that together are only a little longer than one."""
LACKING = (RuntimeError, NotImplementedError, TypeError)
"""What torch raises where a device lacks a dtype, an operator or memory."""


@dataclass(frozen=True)
class RoofWork:
    """A call that may reach a roof."""

    work: Work
    of: str
    amount: float
    """The multiply-adds, bytes or operators of a call."""
    call: Callable[[], object]
    size: int | None = None
    """The bytes that the level holds."""

    @property
    def costs(self) -> Costs:
        """The amount as costs, by which a simulated device times a call."""
        flops = self.amount if self.work in ("product", "convolution") else 0
        moved = self.amount if self.work in ("read", "copy", "triad") else 0
        return Costs(round(flops), 0, 0, 0, round(moved), 0, 0)


OPERATORS_OF: Mapping[Access, tuple[tuple[int, Callable[..., object]], ...]] = {
    "read": ((1, torch.sum), (2, torch.dot)),
    "copy": ((2, lambda to, source: to.copy_(source)), (2, lambda to, source: torch.cat([source], out=to))),
    "triad": ((3, lambda a, b, c: torch.add(b, c, alpha=3.0, out=a)),),
}
"""What accesses an array, each in so many parts of it. Some take no rows."""
Ladder = Iterator[RoofWork]
"""Calls of one kind of work, made when they are asked for, each larger than the one before."""


@dataclass(frozen=True)
class Step:
    """The fastest call of a ladder so far."""

    rate: float
    work: RoofWork
    timer: Timer
    calls: int
    """Calls of a repetition."""


def reach(task: Task, send: Send) -> None:
    """Send the rates of each kind of work. In a round each of them has one repetition, of its fastest call."""
    device, index = device_on_core(task)
    alive = partial(send, Started("roofs", ""))
    steps = fastest(device, index, task.target.threads, alive)
    with no_collection():
        rounds = repeated(lambda: [repetition(step) for step in steps], task, alive, least=1)
    for step, rates in zip(steps, zip(*rounds, strict=True), strict=True):
        send(Reached(step.work.work, step.work.of, tuple(filter(None, rates)), step.work.size))


def fastest(device: Device, index: int, threads: int, alive: Callable[[], object] = lambda: None) -> list[Step]:
    """Return the fastest call of each kind of work, found by trying larger and larger ones."""
    steps: dict[tuple[Work, str], Step] = {}
    for ladder in _ladders(device, index, threads):
        alive()
        for step in _climbed(ladder, device, index):
            key = step.work.work, step.work.of
            if key not in steps or step.rate > steps[key].rate:
                steps[key] = step
    return list(steps.values())


def repetition(step: Step) -> float | None:
    """Return the rate of one repetition, per second; None if the clock stood still."""
    step.timer(1)  # loads the caches
    seconds = step.timer(step.calls).seconds
    return step.work.amount * step.calls / seconds if seconds > 0 else None


def _climbed(ladder: Ladder, device: Device, index: int) -> Iterator[Step]:
    """Yield each call of a ladder with its rate, until a call is long or the device lacks something."""
    with suppress(*LACKING):
        for work in ladder:
            work.call()
            timer = device.timer(work.call, work.costs, index)  # type: ignore[arg-type]
            call_s = min(timer(1).seconds for _ in range(TRIES))
            if call_s <= 0:
                return
            calls = math.ceil(max(SHORT_S, TICKS * device.resolution_s) / call_s)
            yield Step(work.amount / call_s, work, timer, calls)
            if call_s > LONG_S:
                return


def _ladders(device: Device, index: int, threads: int) -> Iterator[Ladder]:
    place = device.torch_name(index)
    for dtype in DTYPES:
        yield _products(dtype, place)
        for window, layout in WINDOWS:
            yield _convolutions(dtype, place, window, layout)
    smaller, caches = 0, device.caches(threads, index)
    for name, size in caches.items():
        yield from _accesses(name, size, min(size // 2, BEYOND * smaller) if smaller else size // 2, place, threads)
        smaller = size
    yield from _accesses(MEMORY, None, memory_held(caches), place, threads)
    yield _dispatching(place)


def memory_held(caches: Mapping[str, int]) -> int:
    """Return the bytes of the array that measures the memory behind these caches: a whole number of slices."""
    affordable = min(MOST_BYTES, (memory_bytes() or MOST_BYTES) // MOST_SHARE)
    wanted = BEYOND * max(caches.values(), default=0)
    return max(LEAST_BYTES, min(affordable, wanted)) // SLICE_BYTES * SLICE_BYTES


def _products(dtype: str, place: str) -> Ladder:
    for side in SIDES:
        one, other = (torch.randn(side, side, device=place).to(getattr(torch, dtype)) for _ in range(2))
        yield RoofWork("product", dtype, side**3, partial(torch.mm, one, other, out=torch.empty_like(one)))


def _convolutions(dtype: str, place: str, window: int, layout: torch.memory_format) -> Ladder:
    for channels, batch in SHAPES:
        images, weight = (
            torch.randn(*shape, device=place).to(getattr(torch, dtype), memory_format=layout)
            for shape in ((batch, channels, SIZE, SIZE), (channels, channels, window, window))
        )
        amount = batch * (channels * SIZE * window) ** 2
        yield RoofWork("convolution", dtype, amount, partial(torch.conv2d, images, weight, padding=window // 2))


def _dispatching(place: str) -> Ladder:
    one, add, times = torch.ones(1, device=place), torch.add, (None,) * OPERATORS

    def chain() -> None:
        for _ in times:
            add(one, one)

    yield RoofWork("dispatch", "", OPERATORS, chain)


def _accesses(name: str, size: int | None, held: int, place: str, threads: int) -> Iterator[Ladder]:
    """Yield the accesses within an array of `held` bytes: of all of it, of its halves, and of its thirds."""
    dimensions = 0 if size is None else max(0, round(math.log(MOVED_BYTES / held, TURNS)))
    slices = torch.ones(held // 4, device=place).chunk(1 if size is not None else held // SLICE_BYTES)
    for access, operators in OPERATORS_OF.items():
        for parts, operator in operators:
            several = [_rows(each, threads, dimensions, parts) for each in slices]
            amount = sum(4 * part.numel() for part in several[0])
            yield iter([RoofWork(access, name, amount, in_turns([partial(operator, *each) for each in several]), size)])


def in_turns(calls: Sequence[Callable[[], object]]) -> Callable[[], object]:
    """Return what makes the next of these calls."""
    turns = cycle(calls)
    return lambda: next(turns)()


def _rows(array: torch.Tensor, threads: int, dimensions: int, parts: int) -> Sequence[torch.Tensor]:
    """Return equal parts of an array, each of TURNS ** dimensions rows for each thread; whole without dimensions.

    The rows of a thread begin a few cache lines apart and so lie in the same bytes. Torch refuses to write to
    an expanded array, whose rows are the same, and lets this pass.
    """
    if not dimensions:
        return array[: array.numel() // parts * parts].chunk(parts)
    block = array.numel() // threads
    apart = block // parts
    width = apart - dimensions * (TURNS - 1) * LINE
    shape, strides = (threads, *(TURNS,) * dimensions, width), (block, *(LINE,) * dimensions, 1)
    return [array.as_strided(shape, strides, part * apart) for part in range(parts)]
