"""The roofs of a machine: the most that torch's operators reached on it, as a measurement found it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Final, Literal, get_args

from benchcli.schema.observations import Count, Duration
from benchcli.schema.structure import StructureError, Within

Access = Literal["read", "copy", "triad"]
"""read: a sum of an array; copy: one array to another; triad: a = b + s c, as in STREAM (McCalpin, 1995)."""
ACCESSES: tuple[Access, ...] = get_args(Access)
Work = Literal["product", "convolution", "read", "copy", "triad", "dispatch"]
"""What has a rate of its own: a matrix product and a convolution of each dtype, accesses of each level, dispatching."""
MEMORY: Final = "memory"
"""The name of the last level."""
NOISY: Final = 0.1
"""The least spread of a noisy measurement."""
Rate = Annotated[float, Within(1.0, 1e24)]


@dataclass(frozen=True)
class Peak:
    """The most multiply-adds per second in one dtype. None: torch has no such operator here."""

    product: Rate | None
    """Of a matrix product."""
    convolution: Rate | None
    """Of a convolution, with a window of one or three."""

    @property
    def best(self) -> float | None:
        """The larger of the two; None without any."""
        return max((each for each in (self.product, self.convolution) if each is not None), default=None)


@dataclass(frozen=True)
class CacheLevel:
    """A level of caches, or the memory, and the most bytes per second that operators moved within it."""

    name: str
    """Such as "L2"; the last level is MEMORY."""
    size: Count | None
    """The bytes that it holds for all threads, each of which has its private caches. None of the memory."""
    rates: Mapping[Access, Rate]
    """Bytes per second. A copy counts what it reads and what it writes, a triad two reads and a write."""

    def __post_init__(self) -> None:
        if not self.rates:
            raise StructureError(f"{self.name} has no rate")

    @property
    def best(self) -> float:
        """The largest of the rates."""
        return max(self.rates.values())


@dataclass(frozen=True)
class Roofs:
    """The most that torch's operators reach on one device, with one number of threads."""

    digest: str
    """Of the machine, the device, the threads, the allocator, the dtypes and torch's version."""
    device: str
    """Such as "cpu"."""
    threads: Count
    """Of the CPU."""
    torch: str
    """Its version."""
    measured: str
    """When, in UTC, such as "2026-11-25T19:04:20Z"."""
    peaks: Mapping[str, Peak]
    """By dtype, such as "float32"."""
    levels: tuple[CacheLevel, ...]
    """The smallest first, the memory last."""
    dispatch_s: Duration
    """Seconds in which torch dispatches one operator."""
    spread: Annotated[float, Within(0.0, 1e12)] = 0.0
    """Of the rate that was reached least well again: the fastest launch over the second, minus 1, each with its
    fastest repetition."""

    def __post_init__(self) -> None:
        if not self.levels:
            raise StructureError("it has no level of memory")

    @property
    def is_noisy(self) -> bool:
        """Whether no other launch comes near the fastest: the machine may reach more when it is quiet."""
        return self.spread >= NOISY

    @property
    def memory(self) -> CacheLevel:
        """The last level."""
        return self.levels[-1]

    def peak(self, dtype: str) -> float | None:
        """Return the most multiply-adds per second in a dtype; None if torch has no operator for it here."""
        found = self.peaks.get(dtype)
        return found.best if found else None

    def level_of(self, working_set: float) -> CacheLevel:
        """Return the smallest level that holds so many bytes; the memory if no cache does."""
        return next((each for each in self.levels if each.size is not None and working_set <= each.size), self.memory)

    def bandwidth(self, working_set: float) -> float:
        """Return the most bytes per second within the level that holds a working set, in bytes."""
        return self.level_of(working_set).best

    def ridge(self, dtype: str, working_set: float = math.inf) -> float | None:
        """Return the multiply-adds per byte above which the peak is the roof, and below which the bandwidth is.

        The bandwidth is that of the level which holds the working set, by default the memory's. None if the
        dtype has no peak.
        """
        peak = self.peak(dtype)
        return None if peak is None else peak / self.bandwidth(working_set)
