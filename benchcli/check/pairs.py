"""Pair what base's suite and head's suite ask for, variant by variant."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchcli.check.versions import BASE, HEAD, Side
from benchcli.errors import UserError, unknown
from benchcli.schema import Family, Source, Variant
from benchcli.workloads.family import taken_from
from benchcli.workloads.overrides import Overrides, families_of_suite
from benchcli.workloads.suites import SuiteFile

CONTROL: Final = "control"
"""Base again: what it differs from base is noise."""


@dataclass(frozen=True)
class Pair:
    """One variant, as base and as head have it; None where one has it not. Each family holds that variant alone."""

    family: str
    variant: str
    base: Family | None
    head: Family | None

    @property
    def name(self) -> str:
        """The pair, as files and `--only` have it."""
        return f"{self.family}/{self.variant}"

    @property
    def builder(self) -> str:
        """What makes the network, in head where head has it."""
        return self._one.builder

    @property
    def is_built_in(self) -> bool:
        """Whether the network ships with benchcli."""
        return self._one.is_built_in

    @property
    def _one(self) -> Variant:
        return next(family.variants[0] for family in (self.head, self.base) if family)

    def family_of(self, side: str) -> Family | None:
        """Return the side's family, named by the pair, its one variant named by the side."""
        family = self.head if side == HEAD else self.base
        if family is None:
            return None
        return replace(family, name=self.name, variants=(replace(family.variants[0], name=side),))

    def together(self) -> Family:
        """Return base, base again and head as one family. Raises ValueError where one is missing."""
        sides = [family.variants[0] for side in (BASE, CONTROL, HEAD) if (family := self.family_of(side))]
        if self.head is None or len(sides) < 3:
            raise ValueError(f"{self.name} is not in both")
        return replace(self.head, name=self.name, variants=tuple(sides))

    def other_input(self) -> str | None:
        """Say what of the input differs between base and head, so that times would be of different work."""
        if self.base is None or self.head is None:
            return None
        for name in ("batch", "dtype", "layout"):
            was, is_ = getattr(self.base, name), getattr(self.head, name)
            if was != is_:
                return f"{name} {was} in base, {is_} in head"
        was, is_ = self.base.variants[0].shape, self.head.variants[0].shape
        return f"an input of {was} in base, {is_} in head" if was != is_ else None


def pairs(base: Iterable[Family], head: Iterable[Family]) -> list[Pair]:
    """Return a pair for every variant of either, in head's order, what only base has at the end."""
    of_base, of_head = _by_name(base), _by_name(head)
    return [Pair(*name, of_base.get(name), of_head.get(name)) for name in {**of_head, **of_base}]


def only(all_pairs: Sequence[Pair], wanted: Sequence[str]) -> list[Pair]:
    """Return the pairs of these families, or of these `family/variant`; all where none is given."""
    return [pair for pair in all_pairs if not wanted or pair.family in wanted or pair.name in wanted]


def _by_name(families: Iterable[Family]) -> dict[tuple[str, str], Family]:
    return {
        (family.name, variant.name): replace(family, variants=(variant,))
        for family in families
        for variant in family.variants
    }


def paired(file: SuiteFile, sources: Mapping[Side, Source], wanted: Sequence[str], overrides: Overrides) -> list[Pair]:
    """Return what the suite asks for, of both versions.

    Raises UserError where `wanted` names what is not there, or nothing is asked for.
    """
    families = {side: _families_of(file, side, sources, overrides) for side in sources}
    everything = pairs(families[BASE], families[HEAD])
    for name in wanted:
        if not only(everything, [name]):
            raise unknown("network", name, [pair.name for pair in everything])
    found = only(everything, wanted)
    if not found:
        raise UserError(f"{file.name} asks for nothing")
    return found


def _families_of(file: SuiteFile, side: Side, sources: Mapping[Side, Source], overrides: Overrides) -> list[Family]:
    suite = _suite_of(file, side, sources)
    return [taken_from(sources[side], family) for family in families_of_suite(suite, overrides)] if suite else []


def _suite_of(file: SuiteFile, side: Side, sources: Mapping[Side, Source]) -> SuiteFile | None:
    """Return the suite as one version has it; None where head has lost it.

    A suite that neither has, or base has not yet, is the one that was named.
    """
    theirs = {
        each: Path(source.folder) / os.path.relpath(file.path, Path.cwd())
        for each, source in sources.items()
        if source.place == "only"
    }
    if side in theirs and theirs[side].is_file():
        return SuiteFile(theirs[side], file.name, f"{side}'s {file.path}")
    is_lost = side == HEAD and side in theirs and BASE in theirs and theirs[BASE].is_file()
    return None if is_lost else file
