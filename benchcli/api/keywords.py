"""Read settings from keyword arguments, with the command line's checks."""

import re
from collections.abc import Callable, Sequence
from typing import TypedDict, TypeVar

from benchcli import validation
from benchcli.backends.allocators import ALLOCATORS
from benchcli.backends.devices.base import DEVICES, split_name
from benchcli.backends.runtimes.base import RUNTIMES
from benchcli.errors import UserError, unknown
from benchcli.schema import Plan, Target
from benchcli.schema.progress import Observer, Progress
from benchcli.workers.tools import Tools
from benchcli.workloads.guidelines.guideline_request import NAMED_WIDTHS
from benchcli.workloads.overrides import Overrides

__all__ = [
    "ALLOCATORS",
    "CACHES",
    "Observer",
    "PlanSettings",
    "Progress",
    "TargetSettings",
    "Tools",
    "device_name",
    "overrides_of",
    "plan_of",
    "target_of",
    "threads_of",
]
CACHES = ("warm", "cold")
Value = TypeVar("Value")


class TargetSettings(TypedDict, total=False):
    """Where and how networks run."""

    device: str
    """cpu, cuda, cuda:1 or mps."""
    runtime: str
    """eager, or graph for CUDA graphs."""
    threads: int | Sequence[int]
    """Number of CPU threads that the runtime uses; measuring compares several, launch by launch."""
    allocator: str
    """steady: freed memory is kept for the next call; system: the system's default."""
    cache: str
    """warm, or cold: flushed before each call."""


class PlanSettings(TypedDict, total=False):
    """How much is measured."""

    precision: float
    """Half-width of a relative speed's 95 % interval at which to stop, as a fraction of it."""
    budget: float | None
    """Seconds for each family (networks compared with one baseline), including start-up.

    None: 14 s, and up to four times as many on a GPU, by the start-up of the first launch.
    """
    percentiles: bool
    """Whether at least a thousand calls are timed singly, for p50, p95 and p99."""
    launches: int | None
    """Exact number of launches (fresh processes); precision and budget are then not used."""


def target_of(
    device: str = "cpu",
    runtime: str = "eager",
    threads: object = 1,
    allocator: str = "steady",
    cache: str = "warm",
) -> Target:
    """Return the target.

    Raises UserError if a name is unknown or the runtime does not run on the device.
    """
    target = Target(
        device=device_name(device),
        runtime=RUNTIMES[runtime].name,
        threads=validation.whole("the number of threads", threads, validation.THREADS),
        allocator=validation.one_of("allocator", allocator, ALLOCATORS),
        cache=validation.one_of("state of the caches", cache, CACHES),
    )
    missing = RUNTIMES[target.runtime].missing(DEVICES[split_name(target.device)[0]])
    if missing:
        raise UserError(missing)
    return target


def threads_of(threads: object) -> tuple[int, ...]:
    """Return the numbers of threads. Raises UserError if one is none."""
    return _several(threads, lambda value: validation.whole("the number of threads", value, validation.THREADS)) or (1,)


def device_name(text: str) -> str:
    """Return the canonical name of a device. Raises UserError with the nearest name."""
    kind, colon, number = validation.text("a device", text).lower().partition(":")
    kind = validation.OTHER_NAMES.get(kind, kind)
    if DEVICES.get(kind) is None:
        raise unknown("device", text, [device.name for device in DEVICES if not device.hidden])
    if colon and not re.fullmatch("[0-9]{1,4}", number):
        raise UserError(f"{text[:40]!r} is not a device: write {kind} or {kind}:0")
    return f"{kind}:{int(number)}" if colon and int(number) else kind  # cuda:0 is cuda


def plan_of(
    precision: float = Plan().precision,
    budget: float | None = None,
    launches: int | None = None,
    percentiles: bool = False,
) -> Plan:
    """Return the plan. Raises UserError if a number is out of bounds.

    Without a budget it is the default, which grows on devices that start slowly.
    """
    return Plan(
        precision=validation.precision(precision, precision),
        budget_s=Plan().budget_s if budget is None else validation.budget_s(budget, budget),
        grows=budget is None,
        percentiles=percentiles,
        launches=None
        if launches is None
        else validation.whole("the number of launches", launches, validation.LAUNCHES),
    )


def overrides_of(
    target: Target,
    *,
    batch: int | Sequence[int] | None = None,
    dtype: str | Sequence[str] | None = None,
    layout: str | Sequence[str] | None = None,
    threads: object = 1,
    sizes: int | Sequence[int] | None = None,
    width: int | None = None,
    channels: str | None = None,
    scale: int | Sequence[int] | None = None,
) -> Overrides:
    """Return the values that replace a family's own. Raises UserError if one is invalid."""
    several = threads_of(threads)
    return Overrides(
        column=DEVICES[split_name(target.device)[0]].column,
        batches=_several(batch, lambda value: validation.whole("a batch size", value, validation.BATCHES)),
        dtypes=_several(dtype, lambda value: validation.one_of("dtype", value, validation.DTYPES)),
        layouts=_several(layout, lambda value: validation.one_of("layout", value, validation.LAYOUTS)),
        threads=several if len(several) > 1 else None,
        sizes=_several(sizes, lambda value: validation.whole("a size", value, validation.SIZES)),
        width=None if width is None else validation.whole("a base width", width, validation.WIDTHS),
        widths=None if channels is None else validation.one_of("set of channels", channels, NAMED_WIDTHS),
        scales=_several(scale, lambda value: validation.whole("a scale", value, validation.SCALES)),
    )


def _several(values: object, read: Callable[[object], Value]) -> tuple[Value, ...] | None:
    """Return one value, or a sequence of values, as a tuple; None if none is given."""
    if values is None:
        return None
    several = tuple(values) if isinstance(values, list | tuple) else (values,)
    validation.distinct(repr(values), several)
    return tuple(map(read, several))
