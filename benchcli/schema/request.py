"""The values that describe a request: suites, families, variants, the target and the plan."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final, Literal, get_args

BUILT_IN: Final = "benchcli:"
"""Prefix of a built-in network's recorded name: `benchcli:KIND/NAME`. No user's module has it."""
LIVE: Final = "benchcli:live/"
"""Begins the recorded name of a module that a Python caller gave: no later process can build it."""
Parameter = int | float | str | bool | list[Any]
Catalogue = Literal["", "blocks", "networks"]
Step = Literal["inference", "forward-backward", "train"]
"""What is done with a network in a call; `STEPS` in `benchcli.settings` says what each is."""
INFERENCE: Final[Step] = "inference"
SWEPT: Final = "swept "
"""Begins the label of the channels of a sweep's line; the axis follows, along which its networks differ."""
Part = Literal["forward", "backward", "update"]
PARTS: Final[tuple[Part, ...]] = get_args(Part)
"""The parts of a step: the network and its loss; clearing and computing the gradients; the optimiser."""


@dataclass(frozen=True)
class Source:
    """A folder with one version of the code of a user's networks."""

    folder: str
    place: Literal["first", "only", "last"]
    """Where the folder stands among the import paths.

    first: before installed packages; last: after them; only: before them, and the network must come
    from this folder.
    """
    trees: tuple[str, ...] = ()
    """The folders of the other version, whose code and data must not be read."""
    own: tuple[str, ...] = ()
    """The folders of this whole version, of which `folder` is a part: its copy, and what was copied."""
    beside: str = ""
    """The suite's own folder, relative to `folder` or absolute, which is searched first; empty for none."""


def sizes(shape: Sequence[int | str]) -> str:
    """Return a shape as text, such as "3x224x224"."""
    return "x".join(map(str, shape)) or "a number"


@dataclass(frozen=True)
class Input:
    """One input of a user's own network, drawn at random."""

    shape: tuple[int, ...]
    """Its shape without the batch, which stands before it."""
    name: str = ""
    """The keyword by which it is given; empty for a positional one."""
    dtype: str = "float"
    """float, for the family's dtype; complex64; bool; or the name of an integer dtype."""
    low: int = 0
    high: int = 1
    """The least and the most that whole numbers can be, both included."""

    def __str__(self) -> str:
        span = f":{self.low}..{self.high}" if "int" in self.dtype else ""
        dtype = "" if self.dtype == "float" else f":{self.dtype}"
        return f"{self.name}{'=' if self.name else ''}{sizes(self.shape)}{dtype}{span}"


@dataclass(frozen=True)
class Variant:
    """One network with its inputs: its builder and parameters."""

    name: str
    """The value on the family's axis: "g=8", "1:12", "4-fragment-series"."""
    builder: str
    """The callable that makes the `nn.Module` from `params`.

    Either `benchcli:KIND/NAME`, or a user's `package.module:callable`.
    """
    params: Mapping[str, Parameter]
    shape: tuple[int, ...]
    """The shape of the first input without its batch: for an image, channels, height and width."""
    channels: str
    """The channels as text: "184", "9:108"."""
    source: Source | None = None
    """The folder of the network's code; None if it is built in or installed."""
    inputs: tuple[Input, ...] = ()
    """What it is called with; empty for one image of `shape`, or what its callable gives."""
    top1_error: float | None = None
    """Its error in per cent, as its user knows it; None for what is published of it, if anything."""

    @property
    def takes(self) -> str:
        """What it is called with, without the batch, as text: its inputs, or the shape of its only one."""
        if not self.inputs or self.inputs == (Input(self.shape),):
            return str(self.shape)
        return ", ".join(map(str, self.inputs))

    @property
    def is_built_in(self) -> bool:
        """Whether the network is part of benchcli, with the same code for base and head."""
        return self.builder.startswith(BUILT_IN)


@dataclass(frozen=True)
class CostRule:
    """A suite's rule for the multiply-adds of an operator of its networks."""

    operator: str
    """Its name, such as "mylib::op"."""
    function: str
    """What says them, `package.module:callable`, imported as the networks are."""


@dataclass(frozen=True)
class Family:
    """Variants compared with each other, usually at equal FLOPs. The first one is the baseline."""

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
    """The registry that describes the variants; empty for guidelines and a user's own networks."""
    threads: int | None = None
    """CPU threads; None for the target's."""
    runtime: str = ""
    """What runs its variants; empty for the target's."""
    step: Step = INFERENCE
    """What a call does with its variants; the references are always called for inference."""
    first: str = ""
    """The family with the same networks in the first of several settings; empty if there is only one setting."""
    allow_random: bool = False
    """Whether networks whose outputs differ from call to call are timed; their outputs are not compared then."""
    cost_rules: tuple[CostRule, ...] = field(default=(), compare=False)
    """For operators of the networks that do not ship."""
    references: tuple[Variant, ...] = field(default=(), compare=False)
    """Reference networks that each launch measures besides, and that are no part of the family.

    They give every variant, the baseline included, a ratio that can be compared between runs.
    """
    references_batch: int | None = field(default=None, compare=False)
    """The batch of the references; None for that of the family, as runs had it that were recorded before."""

    @property
    def launched(self) -> tuple[Variant, ...]:
        """What a launch measures: the variants and, after them, the references."""
        return (*self.variants, *self.references)

    @property
    def inputs(self) -> dict[str, str | int]:
        """The batch, dtype and layout of its inputs, and the step, by name."""
        return {"batch": self.batch, "dtype": self.dtype, "layout": self.layout, "step": self.step}

    def step_of(self, variant: Variant) -> Step:
        """Return what a call does with one of what is launched."""
        return INFERENCE if variant in self.references else self.step

    def batch_of(self, variant: Variant) -> int:
        """Return the batch of one of what is launched."""
        return (self.references_batch or self.batch) if variant in self.references else self.batch

    @property
    def group(self) -> str:
        """The name that the settings of one request share, which are measured in turns in one process."""
        return self.first or self.name

    def on(self, target: "Target") -> "Target":
        """Return the target with the family's own threads and runtime."""
        return replace(target, threads=self.threads or target.threads, runtime=self.runtime or target.runtime)

    @property
    def swept_axis(self) -> str:
        """The axis along which the networks of a sweep's line differ, such as "in"; empty for other families."""
        return self.widths.removeprefix(SWEPT) if self.widths.startswith(SWEPT) else ""

    @property
    def baseline(self) -> str:
        """The variant that the others are compared with."""
        return self.variants[0].name


@dataclass(frozen=True)
class Suite:
    """The families that a suite file, or a command such as `guideline`, asks for."""

    name: str
    description: str = ""
    families: tuple[Family, ...] = ()


@dataclass(frozen=True)
class Target:
    """Where and how networks run: the part of a row's identity that a whole run shares."""

    device: str = "cpu"
    runtime: str = "eager"
    threads: int = 1
    allocator: str = "steady"
    cache: str = "warm"
    """warm: caches keep the data of the previous call; cold: they are flushed before each call."""
    flush_denormal: bool = False
    """Whether the processor takes denormal numbers for zero."""

    @property
    def identity(self) -> dict[str, str | int]:
        """The settings that affect times, of which two comparable records have the same.

        Flushing is among them where it is on: records from before there was the setting stay comparable.
        """
        settings: dict[str, str | int] = dict(vars(self))
        return {name: value for name, value in settings.items() if name != "flush_denormal" or value}


@dataclass(frozen=True)
class Plan:
    """How much to measure."""

    precision: float = 0.01
    """The half-width of a relative speed's 95 % interval at which to stop, as a fraction."""
    budget_s: float = 14.0
    """Seconds per family, including the start-up of the workers."""
    grows: bool = False
    """Whether a device that starts slowly gets a larger budget: where nobody gave one."""
    launches: int | None = None
    """The exact number of launches; None: the precision and the budget decide."""
    percentiles: bool = False
    """Whether calls are timed singly too, for the percentiles of their times."""
    silence_s: float = 60.0
    """Seconds without a message after which a worker counts as hung."""
    launch_share: float = 0.25
    """The largest share of a family's budget that the rounds of one launch may take."""
