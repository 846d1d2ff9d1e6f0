"""What is asked of families of networks, at every combination of batches, dtypes and layouts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import ClassVar

from benchcli.errors import UserError
from benchcli.schema import Catalogue, Family, Source, Variant
from benchcli.workloads.overrides import Overrides


@dataclass(frozen=True, kw_only=True)
class Request(ABC):
    """One table of a suite, or one command's networks."""

    name: str = ""
    batches: tuple[int, ...] = (1,)
    dtypes: tuple[str, ...] = ("float32",)
    layouts: tuple[str, ...] = ("nchw",)

    @property
    def family_name(self) -> str:
        """What the families' names begin with."""
        return self.name

    @abstractmethod
    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield the families with the overrides. Raises UserError where something does not fit."""

    def settings(self, overrides: Overrides) -> Iterator[tuple[int, str, str, list[str]]]:
        """Yield each batch, dtype and layout, with what of them tells the families' names apart."""
        given = replace(self, **overrides.of_inputs())
        choices = (given.batches, given.dtypes, given.layouts)
        for batch, dtype, layout in product(*choices):
            texts = zip((f"b{batch}", dtype, layout), choices, strict=True)
            yield batch, dtype, layout, [text for text, several in texts if len(several) > 1]


@dataclass(frozen=True, kw_only=True)
class FamilyRequest(Request):
    """Networks that have channels of their own, compared with each other; the first is the baseline."""

    catalogue: ClassVar[Catalogue] = ""

    @property
    def widths(self) -> str:
        """What the families' channels are called."""
        return "own"

    @abstractmethod
    def variants(self) -> Iterator[Variant]:
        """Yield the networks. Raises UserError where one cannot be."""

    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield a family for each batch, dtype and layout; a user's networks come from the current folder first."""
        self._refuse_channels(overrides)
        here = Source(str(Path.cwd()), "first")
        variants = tuple(self.variants())
        for batch, dtype, layout, suffix in self.settings(overrides):
            family = Family(
                name="-".join([self.name, *suffix]),
                guideline="",
                scale=1,
                widths=self.widths,
                batch=batch,
                dtype=dtype,
                layout=layout,
                variants=variants,
                catalogue=self.catalogue,
            )
            yield taken_from(here, family)

    def _refuse_channels(self, overrides: Overrides) -> None:
        """Raise UserError where channels are to be changed: these networks have their own."""
        given = {"--width": overrides.width, "--channels": overrides.widths, "--scale": overrides.scales}
        for option, value in given.items():
            if value:
                raise UserError(f"{option} is for guidelines: {self.name} has channels of its own; leave it out")


def taken_from(source: Source, family: Family) -> Family:
    """Return the family with its networks taken from a source, those that ship with benchcli aside."""
    variants = tuple(v if v.is_built_in else replace(v, source=source) for v in family.variants)
    return replace(family, variants=variants)
