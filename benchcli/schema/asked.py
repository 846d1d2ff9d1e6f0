"""What is asked for: suites, their families and variants, where they run, and how much is measured."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

BUILT_IN: Final = "benchcli:"
"""Begins the recorded name of a network that ships: `benchcli:KIND/NAME`. No user's callable does."""
LIVE: Final = "benchcli:live/"
"""Begins the recorded name of a module that a Python caller gave: no later process can build it."""
Parameter = int | float | str | bool | list[Any]
Catalogue = Literal["", "blocks", "networks"]
Key = tuple[str, str]
"""Family and variant."""


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
