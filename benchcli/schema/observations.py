"""The values that are observed of measured processes: outputs, samples, conditions and breakdowns."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Annotated, Final, Literal, get_args

from benchcli.schema.keys import OfVariant
from benchcli.schema.structure import MOST, Within

HOST_BOUND = 0.9
"""The least share of a device's time that queueing its work takes on the host where the host was timed."""
Category = Literal["convolution", "depthwise", "product", "elementwise", "pooling", "data", "framework", "other"]
"""The category of an operator's time in a breakdown; framework is the time in no operator."""
CATEGORIES: tuple[Category, ...] = get_args(Category)
Exclusion = Literal["preempted", "throttled", "clock", "slow-core"]
SLOW_CORE: Final = "slow-core"
Count = Annotated[int, Within(0, MOST)]
Seconds = Annotated[float, Within(1e-12, 1e12)]
"""The shortest and the longest time that a measurement gives."""
Duration = Annotated[float, Within(0.0, 1e12)]
REORDER: Final = "reorder"
"""The primitive of oneDNN that converts between memory layouts."""
TORCH: Final = "torch"
"""In place of an implementation, for what no library but torch ran."""
SLOWED: Final = 0.1
"""The share of a call by which its kernels may take longer together, while they are named, than the call."""
Uncounted = Literal["", "refused", "absent"]
"""Why a processor counted nothing: the system does not permit it, or it has no counters, as in a virtual machine."""


@dataclass(frozen=True)
class OutputPart:
    """A part of what a network returns: a tensor, what holds others, or a plain value such as a number."""

    name: str
    """Where it stands in what the network returns, such as "scores"; empty for the whole."""
    kind: str
    """A tensor's dtype, or the type of another part."""
    shape: tuple[int, ...] | None = None
    """Of a tensor; None of other parts."""
    exact: str = ""
    """What is compared exactly: a hash of whole numbers, the keys of a mapping, or a plain value as text."""
    fingerprint: tuple[float, ...] = ()
    """Summary numbers of finite floating-point values; see `benchcli.guards.outputs`."""
    infinities: str = ""
    """A hash of the places and signs of a tensor's infinite values; empty if there is none."""
    rounding: float = 0.0
    """The least norm to which a difference is relative, where smaller values are rounding errors."""


@dataclass(frozen=True)
class Output:
    """The outputs of a network for fixed inputs and fixed weights, in eager float32."""

    parts: tuple[OutputPart, ...]
    is_finite: bool = True
    """Whether it has no NaN, and at least one finite value."""
    is_random: bool = False
    """Whether it differs from call to call."""
    on_others: "Output | None" = None
    """The outputs for other values of the same inputs; None if they were not asked for, or the network fails there."""
    threads: Count | None = None
    """The number of torch's threads that the network's code sets, and a run does not let it; None if it sets none."""
    normalisations: tuple[Count, ...] = ()
    """How many values of a channel each call of a batch-normalisation has, the fewest first."""
    normalised: "Output | None" = None
    """The outputs with each of these on the statistics of its input; None as above, or without one."""

    @property
    def tensors(self) -> tuple[OutputPart, ...]:
        """The parts that are tensors."""
        return tuple(part for part in self.parts if part.shape is not None)


@dataclass(frozen=True)
class Code:
    """Where a user's own network comes from."""

    file: str
    """The file of its callable, relative to the folder that it is imported from, if it is in there."""
    line: int
    sha256: str
    """Of the file."""
    commit: str | None = None
    """The commit of its repository; None if it is in none."""
    dirty: bool | None = None
    """Whether its repository has uncommitted changes; None if it is in none."""


@dataclass(frozen=True)
class Sample:
    """Seconds per call from one timed block of `calls` calls."""

    variant: str
    launch: Count
    round: Count
    calls: Count
    seconds: Seconds
    faults: float | None
    """Minor page faults per call; None if the system does not count them."""
    excluded: Exclusion | None = None
    """Why the sample is excluded; None if it is not.

    preempted: the system took the core away; throttled: the device lowered its clock; clock: the
    clock went backwards; slow-core: the core was slower than usual (`benchcli.noise.pace`).
    """
    host_seconds: float | None = None
    """Seconds per call in which the host queued the work, as far as no flush of the caches hides it.

    None for devices without a queue.
    """
    forward_s: Seconds | None = None
    """Seconds per call of a training step's forward pass and loss; None of inference."""
    backward_s: Seconds | None = None
    """Seconds per call in which gradients are cleared and computed."""
    update_s: Seconds | None = None
    """Seconds per call of the optimiser; None without one."""
    pace_s: Seconds | None = None
    """Seconds of a fixed piece of work on the core, right before or right after, the longer; None of accelerators."""

    @property
    def part_shares(self) -> tuple[float, ...]:
        """The seconds of a training step's parts as shares of the sample's; empty of inference."""
        return tuple(each / self.seconds for each in (self.forward_s, self.backward_s, self.update_s) if each)

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

    launch: Count
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
    """The median of the accelerator's clock during samples, in hertz."""
    throttle_reasons: tuple[str, ...] = ()
    """The reasons why the accelerator lowered its clock during samples."""
    clock_share: float | None = None
    """The median of the accelerator's clock during samples, as a share of its default."""
    power_capped: float | None = None
    """The share of the samples at whose end the clock was lowered to stay below the power limit."""
    temperature_c: float | None = None
    """The accelerator's temperature at the end, in degrees Celsius."""
    power_w: float | None = None
    """The accelerator's power at the end, in watts."""
    utilisation: float | None = None
    """The share of the moments before the worker used the accelerator in which it was busy."""
    other_processes: int | None = None
    """Processes besides the worker that held the accelerator's memory before it did."""
    kernels: Mapping[str, str] = field(default_factory=dict)
    """A hash of the names of a call's kernels by network, where a library chooses them in each process."""
    compile_s: Mapping[str, Duration] = field(default_factory=dict)
    """Seconds by network of the calls before the samples in which `torch.compile` worked."""
    waited_s: Duration = 0.0
    """Seconds in which the worker, so far, looked for a core at its usual pace and repeated samples of a slow one."""
    grown_bytes: int | None = None
    """By how much the worker's resident set was larger after the samples than before."""


@dataclass(frozen=True)
class Breakdown(OfVariant):
    """The time of a call by category: one variant in one launch, medians over several calls."""

    launch: Count
    call_s: Seconds
    """Seconds of an untraced call, in samples of as many calls as the row's, before the first traced one."""
    traced_s: Duration
    """Seconds of a traced call, including the tracing."""
    parts: Mapping[Category, Duration]
    """Seconds of a call by category, without the tracing.

    `framework` is the rest of `call_s`: Python, dispatcher, a device waiting for its host.
    """
    reorder_s: Duration | None
    """Seconds of `data` inside convolutions: their library reorders to its own layout and back. None: not told."""

    @property
    def sum_s(self) -> float:
        """The sum of the parts: `call_s`, or more if tracing slows the operators down."""
        return sum(self.parts.values())


@dataclass(frozen=True)
class Layer:
    """One module of a network in one launch: what it does itself, without the modules that it calls."""

    path: str
    """Its name in the network, such as "stage2.0.conv"; empty for the network itself."""
    kind: str
    """Its class."""
    calls: Count
    """How often a call of the network calls it."""
    seconds: float
    """Seconds of its own in a call of the network: the median over several calls."""
    inputs: str
    """The shapes of the tensors that it is given, such as "1x3x224x224"."""
    outputs: str
    flops: Count | None
    """Multiply-adds of the operators that it calls itself; None if one has no rule."""
    mac_bytes: Count
    """Their memory access cost in bytes, unfused."""
    operators: Count | None = None
    """How many operators it calls itself; older runs do not say."""
    is_whole: bool = False
    """Whether it did the work of modules in it without calling them, so that they have no time."""


@dataclass(frozen=True)
class Layers(OfVariant):
    """The modules of one variant in one launch, in the order of the first call of each."""

    launch: Count
    call_s: Seconds
    """Seconds of a call in which no module is timed, alternating with those in which they are."""
    layers: tuple[Layer, ...]

    def at(self, seconds: float) -> "Layers":
        """Return the same shares of a call that takes so many seconds."""
        factor = seconds / self.call_s
        own = tuple(replace(each, seconds=each.seconds * factor) for each in self.layers)
        return replace(self, call_s=seconds, layers=own)


@dataclass(frozen=True)
class KernelUse:
    """All runs of one kernel in a call of a network."""

    work: str
    """What it computes: a primitive of oneDNN such as "convolution", a routine of MKL such as "sgemm", or an
    operator of torch such as "relu"."""
    implementation: str
    """Such as "jit:avx512_core"; TORCH for what none of these libraries ran."""
    count: Count
    seconds: Duration
    """Of all of them, in one call."""

    @property
    def is_reorder(self) -> bool:
        """Whether it converts between memory layouts."""
        return self.work == REORDER

    @property
    def is_library(self) -> bool:
        """Whether a library ran it, and not torch itself."""
        return self.implementation != TORCH

    @property
    def name(self) -> str:
        """The work and the implementation, such as "convolution jit:avx512_core"."""
        return f"{self.work} {self.implementation}"


@dataclass(frozen=True)
class HardwareCounts:
    """What a processor counted in a call. None: it has no such counter."""

    instructions: Duration | None
    cycles: Duration | None
    cache_misses: Duration | None
    """Accesses that no cache held, as far as the processor tells."""


@dataclass(frozen=True)
class CallKernels(OfVariant):
    """The kernels of a call of one variant."""

    call_s: Seconds
    """Seconds of a call while nothing named kernels, the least of several samples."""
    uses: tuple[KernelUse, ...]
    """The longest first, each with its least seconds in several calls."""
    counts: HardwareCounts | None = None
    uncounted: Uncounted = ""
    """Why there are no counts; empty if there are, or if the device is no processor of the host."""
    tells_reorders: bool = True
    """Whether conversions of layout are among `uses` by the name of REORDER."""

    @property
    def sum_s(self) -> float:
        """`call_s`, or what the kernels take together if that is more: naming them slows them down."""
        return max(self.call_s, sum(use.seconds for use in self.uses))

    @property
    def is_slowed(self) -> bool:
        """Whether naming the kernels slowed them down so much that their seconds cannot be compared."""
        return self.sum_s > (1 + SLOWED) * self.call_s

    @property
    def unnamed_s(self) -> float:
        """The seconds of a call in no operator: Python, and dispatching operators."""
        return self.sum_s - sum(use.seconds for use in self.uses)
