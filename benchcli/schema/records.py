"""The values that describe results: timings and records."""

import math
from dataclasses import dataclass, field, replace
from typing import Annotated, Literal

from benchcli.schema.counts import Costs
from benchcli.schema.keys import Key
from benchcli.schema.observations import Code, Conditions, Count, Duration, Sample
from benchcli.schema.request import Family, Target, Variant
from benchcli.schema.structure import Within
from benchcli.schema.warnings import RunWarning, Share

MOST_EXCLUDED = 0.5
"""The largest share of excluded samples with which a time is judged."""
Outcome = Literal["faster", "slower", "no effect", "inconclusive", "not judged"]
"""What a relative speed says, or that it cannot be trusted."""
Status = Literal["ok", "failed", "crashed", "timeout", "out-of-memory", "wrong-output", "unsupported", "refused"]


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

    def compare(self, threshold: float) -> Outcome:
        """Judge a relative speed: faster or slower if its whole interval lies beyond the threshold.

        no effect: it lies within the threshold. The bounds are symmetric in logarithm:
        1 / (1 + threshold) and 1 + threshold. Without ends it is inconclusive.
        """
        if self.is_above(1 + threshold):
            return "faster"
        if self.is_below(1 / (1 + threshold)):
            return "slower"
        return "no effect" if self.is_within(threshold) else "inconclusive"

    @property
    def inverse(self) -> "Interval":
        """The interval of one over the value: of a ratio of times, the relative speed."""
        low, high = (None if end is None else 1 / end for end in (self.high, self.low))
        return Interval(1 / self.estimate, low, high)

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
class Percentiles:
    """Seconds of calls that were timed singly: the median, and what 95 and 99 in a hundred do not exceed."""

    p50: float
    p95: float
    p99: float


@dataclass(frozen=True)
class StepParts:
    """Seconds per call of the parts of a training step; None of the update without an optimiser."""

    forward: float
    backward: float
    update: float | None = None


@dataclass(frozen=True)
class Mode:
    """Launches that agree with each other and lie apart from the others."""

    speed: Annotated[float, Within(1e-12, 1e12)]
    """The median of their relative speeds."""
    share: Annotated[float, Within(0.0, 1.0)]
    """Of all launches."""


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
    """The number of excluded samples among `samples`."""
    slow: int = 0
    """Samples on a slow core, which count nowhere as long as enough launches have others; not among `samples`."""
    modes: tuple[Mode, ...] = ()
    """The two modes of its relative speed, the slower one first; empty if the launches have only one."""
    reference: "ReferenceSpeed | None" = None
    """The speed relative to a reference network; None if none was measured."""
    setting: Interval | None = None
    """The speed relative to the same network in the first of several settings, per image; None if there is one."""
    percentiles: Percentiles | None = None
    """Of at least a thousand calls; None if fewer were timed singly."""
    parts: StepParts | None = None
    """Of a training step; None of inference."""

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
class Preparation:
    """What a runtime did before it ran a network, and how well it computes. None: not known, or not applicable."""

    export_s: Duration | None = None
    """What exporting and compiling its file took; a file of an earlier run took it then."""
    load_s: Duration | None = None
    """What loading the file took, the median of the launches."""
    artifact_bytes: Count | None = None
    """The size of the file."""
    output_error: Duration | None = None
    """The largest relative difference of an output from eager float32, over all launches."""
    argmax_agreement: Share | None = None
    """The least share, over all launches, of items whose largest value is where eager float32's is."""
    loaded_bytes: Count | None = None
    """By how much loading the file made the process grow, the median of the launches."""
    reorders: Count | None = None
    """How often the runtime converts the layout of a tensor in a call, by its own profile."""


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
    warnings: tuple[RunWarning, ...] = ()
    code: Code | None = None
    """Where a user's own network comes from; None for networks that ship."""
    preparation: Preparation = Preparation()
    """What the runtime did before it ran the network."""

    @property
    def key(self) -> Key:
        """The names of the family and the variant."""
        return self.family.name, self.variant.name

    @property
    def done(self) -> Costs | None:
        """The costs of what is computed: a runtime that exports the network leaves out what nothing uses."""
        unused = next((each for each in self.warnings if each.kind == "unused"), None)
        if self.costs is None or unused is None or self.preparation.export_s is None:
            return self.costs
        flops = max(0, self.costs.flops - round(unused.amount or 0.0))
        return replace(self.costs, flops=flops, mac_bytes=max(0, self.costs.mac_bytes - round(unused.other or 0.0)))

    @property
    def is_disturbed(self) -> bool:
        """Whether there is a time that is not judged, as `Timing.is_disturbed` says."""
        return self.timing is not None and self.timing.is_disturbed


@dataclass(frozen=True)
class FamilyResult:
    """All results of one family."""

    family: Family
    records: tuple[Record, ...]
    samples: tuple[Sample, ...] = field(repr=False)
    conditions: tuple[Conditions, ...] = field(repr=False, default=())
