"""The frozen values that pass between stages. SI units: seconds, bytes, counts.

suite -> family -> variant -> costs -> samples -> record -> verdict
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Literal, get_args

BUILT_IN: Final = "benchcli:"
"""Begins the recorded name of a network that ships, which is `benchcli:KIND/NAME`. No user's callable begins so."""
Parameter = int | float | str | bool | list[Any]
Aside = Literal["preempted", "throttled", "clock"]
Catalogue = Literal["", "blocks", "networks"]
Category = Literal["convolution", "depthwise", "elementwise", "data", "other"]
CATEGORIES: tuple[Category, ...] = get_args(Category)
Key = tuple[str, str]
"""Family and variant."""
Status = Literal["ok", "failed", "crashed", "timeout", "out-of-memory", "wrong-output", "unsupported"]


@dataclass(frozen=True)
class Source:
    """A folder that holds one version of the code of somebody's networks."""

    folder: str
    place: Literal["first", "only", "last"]
    """Before what is installed, after it, or before it and nothing else will do."""
    tree: str | None = None
    """The working tree whose code is another version's."""


@dataclass(frozen=True)
class Variant:
    """One network with one input: what builds it, and what of it is varied."""

    name: str
    """The place on the family's axis: "g=8", "1:12", "4-fragment-series"."""
    builder: str
    """What makes the `nn.Module` from `params`: `benchcli:KIND/NAME`, or a user's `package.module:callable`."""
    params: Mapping[str, Parameter]
    shape: tuple[int, ...]
    """Of the input, without its batch, which is the family's: channels, height and width of an image."""
    channels: str
    """The channels as a person reads them: "184", "9:108"."""
    source: Source | None = None
    """Where its code lies; None: in benchcli, or installed."""

    @property
    def is_built_in(self) -> bool:
        """Whether it ships with benchcli, so that its code is the same whatever is checked."""
        return self.builder.startswith(BUILT_IN)


@dataclass(frozen=True)
class Family:
    """Variants compared with each other at equal FLOPs. The first one is the baseline."""

    name: str
    guideline: str
    """Empty for blocks and networks."""
    scale: int
    widths: str
    batch: int
    dtype: str
    layout: str
    variants: tuple[Variant, ...]
    catalogue: Catalogue = ""
    """Where its variants are described, if they are of no guideline; empty: nowhere here."""

    @property
    def baseline(self) -> str:
        """The variant that the others are divided by."""
        return self.variants[0].name

    @property
    def extreme(self) -> str:
        """The variant furthest from the baseline, which the verdict is about."""
        return self.variants[-1].name


@dataclass(frozen=True)
class Suite:
    """What a suite file, or a `guideline` command, asks to be measured."""

    name: str
    description: str
    families: tuple[Family, ...]


@dataclass(frozen=True)
class Target:
    """Where and how networks run: the part of a row's identity that is one for the whole run."""

    device: str = "cpu"
    runtime: str = "eager"
    threads: int = 1
    allocator: str = "steady"
    cache: str = "warm"
    """warm: the data of one call are where the call before left them; cold: the caches are flushed before each call."""


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    precision: float = 0.01
    """Half-width of a relative speed's 95 % interval at which to stop, as a fraction."""
    budget_s: float = 14.0
    """Seconds per family, start-up of the workers included."""
    launches: int | None = None
    """Exactly so many launches, whatever the precision and the budget; None lets those two decide."""
    silence_s: float = 60.0
    """A worker that says nothing for so long is taken for hung."""


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
    """See `benchcli.measure.worker.fingerprint`."""


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
    aside: Aside | None = None
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
    def half_width(self) -> float | None:
        """Half the interval's width as a fraction of the estimate."""
        if self.low is None or self.high is None:
            return None
        return (self.high - self.low) / 2 / self.estimate


@dataclass(frozen=True)
class Timing:
    """The time of one variant, from its own and its baseline's samples."""

    seconds: Interval
    relative: Interval | None
    """Baseline time / variant time; None where the baseline has no time."""
    launches: int
    samples: int
    faults: float | None
    set_aside: int = 0
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
    """Codes of `benchcli.measure.advice`, each perhaps with a detail after a colon."""


@dataclass(frozen=True)
class FamilyResult:
    """All that was learnt of one family."""

    family: Family
    records: tuple[Record, ...]
    samples: tuple[Sample, ...] = field(repr=False)
    conditions: tuple[Conditions, ...] = field(repr=False, default=())


@dataclass(frozen=True)
class Verdict:
    """What the evidence of one family says of its guideline."""

    family: str
    guideline: str
    scale: str
    outcome: Literal["holds", "reversed", "no effect", "inconclusive"]
    variant: str
    baseline: str
    relative: Interval | None
    threshold: float
    """The effect that counts, as a fraction: the practical effect, or the FLOPs deviation where larger."""
    advice: str | None
    """What would settle an inconclusive verdict."""
