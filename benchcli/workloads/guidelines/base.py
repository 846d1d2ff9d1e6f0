"""What a guideline knows: its axis, its micro-network and what the paper claims of it.

Nothing here imports torch: only a guideline's `build` does, inside the worker that calls it.
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from benchcli.errors import UserError
from benchcli.registry import Registry
from benchcli.schema import BUILT_IN, Parameter, Variant
from benchcli.workloads import papers

if TYPE_CHECKING:
    from torch import nn

Column = Literal["arm", "gpu"]
Width = int | tuple[int, ...]
"""The channels of one variant: one number, or as many as its network has."""

SIZE = 56
"""Height and width of the feature map in Tables 1 to 3; inferred for Table 4."""
REPEAT = 10
"""Blocks in every micro-network."""


class Guideline(ABC):
    """One guideline of ShuffleNet V2. Subclass it in a file of this package and register an instance."""

    name: ClassVar[str]
    title: ClassVar[str]
    claim: ClassVar[str]
    axis: ClassVar[str]
    """What is varied, as a column's heading."""
    source: ClassVar[str]
    paper_table: ClassVar[str | None] = None
    """The shipped table with the paper's figures; None where no paper has any."""
    faster: ClassVar[bool] = False
    """Whether the paper claims that the extreme variant is the faster one."""
    published_widths: ClassVar[Mapping[Column, Mapping[str, Width]]]
    """The paper's channels at scale 1, the baseline first."""
    aligned_widths: ClassVar[Mapping[str, Width]]
    """Channels of nearly or exactly equal FLOPs that SIMD registers divide, the baseline first."""
    base_widths: ClassVar[tuple[int, int]] = (1, 16384)
    """The least and the largest base width that makes sense."""

    @property
    def baseline(self) -> str:
        """The value of the axis that the others are divided by."""
        return next(iter(self.aligned_widths))

    @abstractmethod
    def value(self, text: str) -> str:
        """Return the axis value in its canonical form. Raises UserError where it is none."""

    @abstractmethod
    def solve(self, value: str, width: int) -> Width:
        """Return the channels that give `value` the FLOPs of the baseline at a base width."""

    @abstractmethod
    def params(self, value: str, width: Width) -> Mapping[str, Parameter]:
        """Return what `build` takes. Raises UserError where the channels do not fit the value."""

    @abstractmethod
    def build(self, *args: Any, **params: Any) -> "nn.Module":
        """Return the micro-network that `params` describe. Called in a measured process; torch is imported here."""

    @abstractmethod
    def multiply_adds(self, params: Mapping[str, Any], size: int) -> int:
        """Return the multiply-adds of one image, by the paper's formula: FLOPs from shapes alone."""

    def published_row(self, value: str, column: Column, scale: int) -> Mapping[str, str]:
        """Return the cells that name the value's row in the paper's table, where there is one."""
        raise NotImplementedError(f"{self.name} has a paper's table and does not say which row {value} {column} is")

    def variant(self, value: str, width: Width, size: int = SIZE) -> Variant:
        """Return the micro-network at one place of the axis."""
        return Variant(
            name=value,
            builder=f"{BUILT_IN}guideline/{self.name}",
            params=self.params(value, width),
            shape=(width[0] if isinstance(width, tuple) else width, size, size),
            channels=":".join(map(str, width)) if isinstance(width, tuple) else str(width),
        )

    def paper_relative_speed(self, value: str, column: Column, scale: int) -> float | None:
        """Return the published speed over the published baseline's, or None where the paper has no such row."""
        if self.paper_table is None:
            return None
        here, baseline = (
            papers.cell(self.paper_table, "speed", **self.published_row(name, column, scale))
            for name in (value, self.baseline)
        )
        return here / baseline if here and baseline else None


GUIDELINES: Registry[Guideline] = Registry("guideline", "benchcli.workloads.guidelines")


def scaled(width: Width, scale: int) -> Width:
    """Multiply channels by a scale, as the paper's x1, x2 and x4 do."""
    return tuple(scale * part for part in width) if isinstance(width, tuple) else scale * width


def one_width(guideline: str, width: Width) -> int:
    """Return the single number of channels. Raises UserError where there are several."""
    if isinstance(width, tuple):
        raise UserError(f"{guideline} takes one number of channels a variant, not {list(width)}")
    return width
