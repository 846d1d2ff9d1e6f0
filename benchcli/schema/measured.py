"""What is measured: what measured processes observe, and the timings and records that are made of it."""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, get_args

from benchcli.schema.asked import Family, Target, Variant

Category = Literal["convolution", "depthwise", "elementwise", "data", "other"]
"""What an operator's time is spent on."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
Exclusion = Literal["preempted", "throttled", "clock"]
Status = Literal["ok", "failed", "crashed", "timeout", "out-of-memory", "wrong-output", "unsupported"]


@dataclass(frozen=True)
class Costs:
    """What one call of a network costs; `docs/methodology.md` says what each counts."""

    flops: int
    params: int
    elementwise: int
    mac_elements: int
    mac_bytes: int
    mac_fused_bytes: int
    mac_compulsory_bytes: int
    unknown: tuple[str, ...] = ()
    """Operators without a rule, and counters that disagree: shown, never a silent zero."""


@dataclass(frozen=True)
class Output:
    """What a network computed from a known input with known weights, in eager float32."""

    shape: tuple[int, ...]
    fingerprint: tuple[float, ...]
    """See `benchcli.measure.worker.survey`."""


@dataclass(frozen=True)
class Sample:
    """Seconds per call from one timed block of `calls` calls."""

    variant: str
    launch: int
    round: int
    calls: int
    seconds: float
    faults: float | None
    """Minor page faults per call; None where the system does not count them."""
    excluded: Exclusion | None = None
    """Why the sample does not count: the system took the core away, the device throttled, the clock went backwards."""
    host_seconds: float | None = None
    """Seconds per call that the host took to queue the work, on devices that have a queue."""


@dataclass(frozen=True)
class Conditions:
    """What went on beside the sampling of one family in one launch. None: it cannot be seen here."""

    launch: int
    wall_s: float
    cpu_s: float | None
    """Processor time of the worker, all threads together."""
    minor_faults: int | None
    major_faults: int | None
    voluntary_switches: int | None
    involuntary_switches: int | None
    busy_cores: float | None
    """Cores' worth of work that others did in the meantime on the cores that the worker may use."""
    cores: int | None
    """How many these are."""
    steal_cores: float | None
    """Cores' worth of time that the hypervisor gave to other machines."""
    pressure: float | None
    """Share of the time in which some task waited for a core."""
    throttled_s: float | None
    """Time for which the control group's quota held its tasks back."""
    frequency_hz: float | None
    """The fastest core's frequency at the end."""
    load: float | None
    """How many tasks ran or waited to run in the minute before, on average (the load average)."""
    memory_bytes: int | None
    """The worker's largest resident set so far."""
    call_overhead_s: float
    """What the timing loop adds to each call."""
    clock_hz: float | None = None
    """The accelerator's clock at the end."""
    throttle_reasons: tuple[str, ...] = ()
    """What held the accelerator's clock down during samples."""


@dataclass(frozen=True)
class Breakdown:
    """Where a call's time goes: one variant in one launch, medians over several calls."""

    family: str
    variant: str
    launch: int
    call_s: float
    """A call that nothing traces, taken beside the traced ones."""
    traced_s: float
    """A call that is traced, tracing included."""
    parts: Mapping[Category, float]
    """Seconds of a call by what they are spent on, tracing taken out."""
    reorder_s: float
    """The part of `data` that is hidden in convolutions, whose library brings data into its own layout, and back."""
    framework_s: float
    """The part of `other` that is in no operator: Python's, the dispatcher's, and where a device waits for its host."""

    @property
    def whole_s(self) -> float:
        """The parts together: `call_s`, or more where operators take longer when they are traced."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Failure:
    """Why a variant has no time."""

    status: Status
    error: str


@dataclass(frozen=True)
class Interval:
    """An estimate and its 95 % interval; the ends are None where one launch is all the evidence."""

    estimate: float
    low: float | None = None
    high: float | None = None

    @property
    def relative_half_width(self) -> float | None:
        """Half the interval's width as a fraction of the estimate."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2 / self.estimate

    def holds(self, value: float) -> bool:
        """Return whether the interval contains `value`."""
        return self.low is not None and self.high is not None and self.low <= value <= self.high

    def is_above(self, value: float) -> bool:
        """Return whether all of the interval is above `value`."""
        return self.low is not None and self.low > value

    def is_below(self, value: float) -> bool:
        """Return whether all of the interval is below `value`."""
        return self.high is not None and self.high < value

    def is_within(self, change: float) -> bool:
        """Return whether all of a factor's interval is nearer to 1 than a change by this fraction, either way."""
        return self.is_above(1 / (1 + change)) and self.is_below(1 + change)

    @property
    def min_log_change(self) -> float:
        """The least distance of a factor's interval from 1, as a logarithm; 0 where it holds 1 or has no ends."""
        if self.low is None or self.high is None:
            return 0.0
        return max(math.log(self.low), -math.log(self.high), 0.0)


@dataclass(frozen=True)
class Timing:
    """The time of one variant, from its own and its baseline's samples."""

    seconds: Interval
    relative: Interval | None
    """Baseline time / variant time; None where the baseline has no time."""
    launches: int
    samples: int
    faults: float | None
    excluded: int = 0
    """Samples that were taken and do not count."""


@dataclass(frozen=True)
class Record:
    """One row: identity, costs and time of one variant. A failure is a row too."""

    run: str
    suite: str
    family: Family
    variant: Variant
    target: Target
    failure: Failure | None
    costs: Costs | None
    flops_deviation: float | None
    """Multiply-adds over the baseline's, minus 1."""
    timing: Timing | None
    warnings: tuple[str, ...] = ()
    """Codes of `benchcli.report.advice`, each perhaps with a detail after a colon."""


@dataclass(frozen=True)
class FamilyResult:
    """All that was learnt of one family."""

    family: Family
    records: tuple[Record, ...]
    samples: tuple[Sample, ...] = field(repr=False)
    conditions: tuple[Conditions, ...] = field(repr=False, default=())
