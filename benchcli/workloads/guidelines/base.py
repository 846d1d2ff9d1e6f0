"""The interface of a guideline, which has up to three parts: a rule, an experiment and an audit.

This module does not import torch. Only an experiment's `build` does, in the worker that calls it.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NamedTuple

from benchcli.errors import UserError
from benchcli.registry import Registry
from benchcli.schema import BUILT_IN, Interval, OperatorCall, Parameter, Variant
from benchcli.schema.environment import Machine
from benchcli.workloads import papers
from benchcli.workloads.layer_chain import Chain, width_of

if TYPE_CHECKING:
    from torch import nn

Column = Literal["arm", "gpu"]
Width = int | tuple[int, ...]
"""The channels of one variant: one number, or several if its network takes several."""

SIZE = 56
"""Height and width of the feature map in the paper's Tables 1 to 3; inferred for Table 4."""
REPEAT = 10
"""Number of blocks in every micro-network."""


class Guideline:
    """What a paper says makes networks slow. Write a class of its parts in a file of this package."""

    name: ClassVar[str]
    title: ClassVar[str]
    claim: ClassVar[str]
    """What the paper claims at equal FLOPs, without these words: "wider networks are slower"."""
    source: ClassVar[str]


class Rule(Guideline):
    """The part by which designers know whether their block follows the guideline; each block says which it breaks."""

    rule: ClassVar[str]
    """What to do: "give convolutions as many input as output channels"."""


@dataclass(frozen=True)
class Repair:
    """Layers of a network, and the same ones with the guideline followed, which are measured beside each other."""

    before: Chain
    after: Chain
    image: tuple[int, ...]
    """The shape of the input as it is, without the batch: channels first."""
    image_after: tuple[int, ...]
    is_exact: bool = False
    """Whether the rebuilt layers compute the same with other weights, so that fewer multiply-adds are its merit."""


class Edge(NamedTuple):
    """A tensor at the edge of rebuilt layers."""

    call: int
    """The operator call that wrote it."""
    channels: int
    """Those that it has once the layers are rebuilt."""


@dataclass(frozen=True)
class Breach:
    """A place in a network that breaks a guideline."""

    calls: tuple[int, ...]
    """The operator calls that it is about, by their place in the walk."""
    reason: str
    """What breaks it, in a few words that several places may share: "24 to 144 channels"."""
    repair: Repair | None = None
    """None if no layers can be rebuilt for it."""
    rebuilt: tuple[int, ...] = ()
    """The operator calls that the repair replaces, where they are more than `calls`; empty if they are the same."""
    runtime: str = ""
    """The runtime that repairs the whole network without training, such as "eager:fold"; empty if none does."""

    @property
    def replaced(self) -> tuple[int, ...]:
        """The operator calls that the repair replaces."""
        return self.rebuilt or self.calls

    def edges(self, calls: Sequence[OperatorCall]) -> Iterator[Edge]:
        """Yield the tensors that the rebuilt layers share with others; none without a repair."""
        width = width_of(self.repair.after) if self.repair else None
        if self.repair is None or width is None:
            return
        read = next(iter(calls[min(self.replaced)].producers), None)
        others = dict.fromkeys(each for number in self.replaced for each in calls[number].producers)
        for each in others:
            if each is not None and each not in self.replaced:
                yield Edge(each, self.repair.image_after[0] if each == read else width)
        yield Edge(max(self.replaced), width)


class Audit(Guideline, ABC):
    """The part that says which operators of a network break the guideline."""

    def on(self, machine: Machine) -> "Audit":  # noqa: ARG002
        """Return the audit for a machine; most are the same on all."""
        return self

    @abstractmethod
    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield what breaks the guideline in one call of a network, whose operator calls are in dispatched order."""


class Experiment(Guideline, ABC):
    """The part that tests the guideline: a micro-network whose variants have equal FLOPs along one axis."""

    axis: ClassVar[str]
    """The varied property, used as a column heading."""
    is_series: ClassVar[bool] = False
    """Whether the axis values are steps along a scale, which a chart may join by a line."""
    paper_table: ClassVar[str | None] = None
    """The table in `data/paper` with the paper's figures; None if there are no figures."""
    faster: ClassVar[bool] = False
    """Whether the paper claims that the extreme variant is faster than the baseline."""
    by_launches: ClassVar[bool] = False
    """Whether more kernels to launch are a way in which the extreme variant costs time."""
    published_widths: ClassVar[Mapping[Column, Mapping[str, Width]]]
    """The paper's channels at scale 1, the baseline first."""
    aligned_widths: ClassVar[Mapping[str, Width]]
    """Channels of (nearly) equal FLOPs that are multiples of the SIMD width, baseline first."""
    base_widths: ClassVar[tuple[int, int]] = (1, 16384)
    """The smallest and the largest valid base width."""

    @property
    def baseline(self) -> str:
        """The axis value of the baseline."""
        return next(iter(self.aligned_widths))

    @abstractmethod
    def distance(self, value: str) -> float:
        """Return how far an axis value is from the baseline, in any unit that orders the values."""

    def extreme(self, values: Sequence[str]) -> str:
        """Return the value furthest from the baseline, which decides the verdict.

        Of several values at one distance, it is the last.
        """
        return max(reversed(values), key=self.distance)

    @abstractmethod
    def value(self, text: str) -> str:
        """Return the axis value in its canonical form. Raises UserError if it is invalid."""

    @abstractmethod
    def solve(self, value: str, width: int) -> Width:
        """Return the channels with which `value` has the baseline's FLOPs at a base width."""

    @abstractmethod
    def params(self, value: str, width: Width) -> Mapping[str, Parameter]:
        """Return the arguments of `build`. Raises UserError if the channels do not fit."""

    @abstractmethod
    def build(self, *args: Any, **params: Any) -> "nn.Module":
        """Return the micro-network with these `params`.

        It runs in a measured process. Import torch inside it.
        """

    @abstractmethod
    def multiply_adds(self, params: Mapping[str, Any], size: int) -> int:
        """Return the multiply-adds for one image, by the paper's formula, from shapes alone."""

    def published_row(self, value: str, column: Column, scale: int) -> Mapping[str, str]:
        """Return the cells that identify the value's row in the paper's table."""
        raise NotImplementedError(f"{self.name} has a paper's table and does not say which row {value} {column} is")

    def variant(self, value: str, width: Width, size: int = SIZE) -> Variant:
        """Return the variant at one axis value."""
        return Variant(
            name=value,
            builder=f"{BUILT_IN}guideline/{self.name}",
            params=self.params(value, width),
            shape=(width[0] if isinstance(width, tuple) else width, size, size),
            channels=":".join(map(str, width)) if isinstance(width, tuple) else str(width),
        )

    def convolution(self, params: Mapping[str, Any]) -> tuple[int, int] | None:  # noqa: ARG002
        """Return the input and output channels of a convolution, in one of its groups; None if variants do not differ.

        They say how much of a processor's vectors a network fills.
        """
        return None

    def paper_relative_speed(self, value: str, column: Column, scale: int, baseline: str = "") -> Interval | None:
        """Return the published speed over that of `baseline`, the guideline's own if empty; None if one is missing.

        The ends are the quotients of speeds that round to the published ones.
        """
        if self.paper_table is None:
            return None
        baseline = baseline or self.baseline
        speed, of_baseline = (
            papers.printed(self.paper_table, "speed", **self.published_row(name, column, scale))
            for name in (value, baseline)
        )
        if speed is None or of_baseline is None:
            return None
        return Interval(1.0, 1.0, 1.0) if value == baseline else speed.over(of_baseline)


GUIDELINES: Registry[Guideline] = Registry("guideline", "benchcli.workloads.guidelines")
RULES = GUIDELINES.of(Rule)
EXPERIMENTS = GUIDELINES.of(Experiment)  # type: ignore[type-abstract]
AUDITS = GUIDELINES.of(Audit)  # type: ignore[type-abstract]
"""The guidelines that have each part."""


def scaled(width: Width, scale: int) -> Width:
    """Return the channels multiplied by a scale, as in the paper's x1, x2 and x4."""
    return tuple(scale * part for part in width) if isinstance(width, tuple) else scale * width


def one_width(guideline: str, width: Width) -> int:
    """Return the single number of channels. Raises UserError if there are several."""
    if isinstance(width, tuple):
        raise UserError(f"{guideline} takes one number of channels a variant, not {list(width)}")
    return width
