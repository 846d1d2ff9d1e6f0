"""Requests that become families of networks at every combination of batch, dtype and layout."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import ClassVar

from benchcli import files
from benchcli.errors import UserError
from benchcli.schema import Catalogue, Family, Source, Variant
from benchcli.workloads.overrides import Overrides


@dataclass(frozen=True, kw_only=True)
class Request(ABC):
    """The networks that one table of a suite, or one command, asks for."""

    name: str = ""
    batches: tuple[int, ...] = (1,)
    dtypes: tuple[str, ...] = ("float32",)
    layouts: tuple[str, ...] = ("nchw",)

    @property
    def family_name(self) -> str:
        """The first part of the families' names."""
        return self.name

    @abstractmethod
    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield the families with the overrides. Raises UserError if a setting is invalid."""

    def settings(self, overrides: Overrides) -> Iterator[tuple[int, str, str, list[str]]]:
        """Yield each batch, dtype and layout, with the suffixes of the family's name."""
        given = replace(self, **overrides.of_inputs())
        choices = (given.batches, given.dtypes, given.layouts)
        for batch, dtype, layout in product(*choices):
            texts = zip((f"b{batch}", dtype, layout), choices, strict=True)
            yield batch, dtype, layout, [text for text, values in texts if len(values) > 1]


@dataclass(frozen=True, kw_only=True)
class FamilyRequest(Request):
    """Networks with fixed channels, compared with each other; the first is the baseline."""

    catalogue: ClassVar[Catalogue] = ""

    @property
    def widths(self) -> str:
        """The label of the families' channels."""
        return "own"

    @abstractmethod
    def variants(self) -> Iterator[Variant]:
        """Yield the networks. Raises UserError if one of them is invalid."""

    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield a family for each batch, dtype and layout.

        A user's networks are imported from the current folder first.
        """
        self._refuse_channels(overrides)
        current_folder = Source(str(files.here()), "first")
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
            yield taken_from(current_folder, family)

    def _refuse_channels(self, overrides: Overrides) -> None:
        """Raise UserError if an override changes the channels, which are fixed here."""
        given = {"--width": overrides.width, "--channels": overrides.widths, "--scale": overrides.scales}
        for option, value in given.items():
            if value:
                raise UserError(f"{option} is for guidelines: {self.name} has channels of its own; leave it out")


def settings_of(families: Iterable[Family]) -> dict[str, str]:
    """Return the dtypes, layouts and batch sizes of the families' inputs, joined with "and"."""
    inputs = [family.inputs for family in families]
    return {
        name: " and ".join(dict.fromkeys(str(each[name]) for each in inputs)) for name in ("dtype", "layout", "batch")
    }


def taken_from(source: Source, family: Family) -> Family:
    """Return the family with `source` as the source of its networks, except the built-in ones."""
    variants = tuple(v if v.is_built_in else replace(v, source=source) for v in family.variants)
    return replace(family, variants=variants)
