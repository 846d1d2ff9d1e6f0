"""The values that describe results: observations of measured processes, timings and records."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from benchcli.schema.asked import Family, Key, Target, Variant
from benchcli.schema.costs import Costs

HOST_BOUND = 0.9
"""The least share of a device's time that queueing its work takes on the host where the host was timed."""
MOST_EXCLUDED = 0.5
"""The largest share of excluded samples with which a time is judged."""
Category = Literal["convolution", "depthwise", "elementwise", "data", "other"]
"""The category of an operator in a breakdown."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
Exclusion = Literal["preempted", "throttled", "clock"]
Status = Literal["ok", "failed", "crashed", "timeout", "out-of-memory", "wrong-output", "unsupported"]


@dataclass(frozen=True)
class Output:
    """The output of a network for a fixed input and fixed weights, in eager float32."""

    shape: tuple[int, ...]
    fingerprint: tuple[float, ...]
    """Summary numbers of the output; see `benchcli.measure.worker.survey`."""


@dataclass(frozen=True)
class Sample:
    """Seconds per call from one timed block of `calls` calls."""

    variant: str
    launch: int
    round: int
    calls: int
    seconds: float
    faults: float | None
    """Minor page faults per call; None if the system does not count them."""
    excluded: Exclusion | None = None
    """Why the sample is excluded; None if it is not.

    preempted: the system took the core away; throttled: the device lowered its clock; clock: the
    clock went backwards.
    """
    host_seconds: float | None = None
    """Seconds per call in which the host queued the work, as far as no flush of the caches hides it.

    None for devices without a queue.
    """

    @property
    def is_host_bound(self) -> bool:
        """Whether the device waited for its host, so that the host was timed."""
        return self.host_seconds is not None and self.host_seconds >= HOST_BOUND * self.seconds

    @property
    def is_of_host(self) -> bool:
        """Whether what disturbs the host disturbs this time: it has no queue, or its device waited."""
        return self.host_seconds is None or self.is_host_bound


@dataclass(frozen=True)
class Conditions:
    """The state of the machine while one launch sampled one family. None: not observable here."""

    launch: int
    wall_s: float
    cpu_s: float | None
    """Processor time of the worker, summed over its threads."""
    minor_faults: int | None
    major_faults: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    busy_cores: float | None
    """Cores' worth of work by other processes on the cores that the worker may use."""
    cores: int | None
    """The number of cores that the worker may use."""
    steal_cores: float | None
    """Cores' worth of time that the hypervisor gave to other virtual machines."""
    pressure: float | None
    """The fraction of the time in which some task waited for a core."""
    throttled_s: float | None
    """Seconds for which the control group's quota throttled its tasks."""
    frequency_hz: float | None
    """The fastest core's frequency at the end, in hertz."""
    load: float | None
    """The load average: the mean number of running or runnable tasks in the minute before."""
    memory_bytes: int | None
    """The worker's largest resident set so far."""
    call_overhead_s: float
    """Seconds that the timing loop adds to each call."""
    clock_hz: float | None = None
    """The accelerator's clock at the end, in hertz."""
    throttle_reasons: tuple[str, ...] = ()
    """The reasons why the accelerator lowered its clock during samples."""


@dataclass(frozen=True)
class Breakdown:
    """The time of a call by category: one variant in one launch, medians over several calls."""

    family: str
    variant: str
    launch: int
    call_s: float
    """Seconds of an untraced call, interleaved with the traced ones."""
    traced_s: float
    """Seconds of a traced call, including the tracing."""
    parts: Mapping[Category, float]
    """Seconds of a call by category, without the tracing."""
    reorder_s: float
    """Seconds of `data` inside convolutions: their library reorders to its own layout and back."""
    framework_s: float
    """Seconds of `other` outside operators: Python, dispatcher, a device waiting for its host."""

    @property
    def whole_s(self) -> float:
        """The sum of the parts: `call_s`, or more if tracing slows the operators down."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Failure:
    """The reason why a variant has no time."""

    status: Status
    error: str


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval; the ends are None if there is only one launch."""

    estimate: float
    low: float | None = None
    high: float | None = None

    @property
    def relative_half_width(self) -> float | None:
        """Half the interval's width as a fraction of the estimate; None without ends."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2 / self.estimate

    def holds(self, value: float) -> bool:
        """Return whether the interval contains `value`."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high

    def is_above(self, value: float) -> bool:
        """Return whether the whole interval is above `value`."""
        return self.low is not None and self.low > value

    def is_below(self, value: float) -> bool:
        """Return whether the whole interval is below `value`."""
        return self.high is not None and self.high < value

    def is_within(self, change: float) -> bool:
        """Return whether a factor's whole interval lies between 1 / (1 + change) and 1 + change."""
        return self.is_above(1 / (1 + change)) and self.is_below(1 + change)

    def times(self, factor: float) -> "Interval":
        """Return the interval of `factor` times the value."""
        low, high = (None if end is None else end * factor for end in (self.low, self.high))
        return Interval(self.estimate * factor, low, high)

    @property
    def min_log_change(self) -> float:
        """The distance of a factor's interval from 1, as a logarithm.

        It is 0 if the interval contains 1 or has no ends.
        """
        if self.low is None or self.high is None:
            return 0.0
        return max(math.log(self.low), -math.log(self.high), 0.0)


@dataclass(frozen=True)
class Timing:
    """The time of one variant, computed from its samples and its baseline's."""

    seconds: Interval
    relative: Interval | None
    """Baseline time / variant time; None if the baseline has no time."""
    launches: int
    samples: int
    faults: float | None
    excluded: int = 0
    """The number of excluded samples."""
    reference: "ReferenceSpeed | None" = None
    """The speed relative to a reference network; None if none was measured."""

    @property
    def excluded_share(self) -> float:
        """The excluded samples as a share of all."""
        return self.excluded / self.samples if self.samples else 1.0

    @property
    def is_disturbed(self) -> bool:
        """Whether so many samples are excluded that the time is not judged."""
        return self.excluded_share > MOST_EXCLUDED


@dataclass(frozen=True)
class ReferenceSpeed:
    """The speed of a variant relative to one of its family's reference networks."""

    name: str
    """The reference network."""
    speed: Interval
    """Reference time / variant time."""


@dataclass(frozen=True)
class Record:
    """One row: identity, costs and time of one variant. A failed variant has a row too."""

    run: str
    suite: str
    family: Family
    variant: Variant
    target: Target
    failure: Failure | None
    costs: Costs | None
    flops_deviation: float | None
    """Multiply-adds divided by the baseline's, minus 1."""
    timing: Timing | None
    warnings: tuple[str, ...] = ()
    """Codes from `benchcli.report.advice`, some with a detail after a colon."""

    @property
    def key(self) -> Key:
        """The names of the family and the variant."""
        return self.family.name, self.variant.name


@dataclass(frozen=True)
class FamilyResult:
    """All results of one family."""

    family: Family
    records: tuple[Record, ...]
    samples: tuple[Sample, ...] = field(repr=False)
    conditions: tuple[Conditions, ...] = field(repr=False, default=())
