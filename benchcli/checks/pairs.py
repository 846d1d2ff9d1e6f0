"""Pair the variants of base's suite with those of head's suite."""

import os
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from benchcli.checks.versions import BASE, HEAD, Side
from benchcli.errors import UserError, unknown
from benchcli.schema import Family, OfVariant, Source, Variant
from benchcli.workloads.overrides import Overrides
from benchcli.workloads.requests import taken_from
from benchcli.workloads.suites import SuiteFile, families_of_suite

CONTROL: Final = "control"
"""The side that runs base a second time. Its difference from base is noise."""


@dataclass(frozen=True)
class Pair(OfVariant):
    """One variant in base and in head.

    `base` and `head` are families with only this variant; None if that side lacks the variant.
    """

    base: Family | None
    head: Family | None

    @property
    def name(self) -> str:
        """The pair's name in files and for `--only`."""
        return f"{self.family}/{self.variant}"

    @property
    def builder(self) -> str:
        """The name of the network's builder: head's, or base's if head lacks the variant."""
        return self._preferred.builder

    @property
    def cannot_differ(self) -> bool:
        """Whether both sides have the same built-in network, which is the same code in one interpreter."""
        if self.base is None or self.head is None:
            return False
        return self.base == self.head and self.base.variants[0].is_built_in

    @property
    def _preferred(self) -> Variant:
        return next(family.variants[0] for family in (self.head, self.base) if family)

    def family_of(self, side: str) -> Family | None:
        """Return the side's family: its name is the pair's, its variant's name is `side`.

        None if the side lacks the variant.
        """
        family = self.head if side == HEAD else self.base
        if family is None:
            return None
        return replace(family, name=self.name, variants=(replace(family.variants[0], name=side),))

    def together(self) -> Family:
        """Return base, control and head as one family. Raises ValueError if a side is missing."""
        sides = [family.variants[0] for side in (BASE, CONTROL, HEAD) if (family := self.family_of(side))]
        if self.head is None or len(sides) < 3:
            raise ValueError(f"{self.name} is not in both")
        return replace(self.head, name=self.name, variants=tuple(sides))

    def other_input(self) -> str | None:
        """Return how the input, or an argument of the same builder, differs between the suites; None if neither does.

        Times of different inputs are times of different work, so they are not compared.
        """
        if self.base is None or self.head is None:
            return None
        sides = (self.base, self.head)
        base, head = ({**each.inputs, "an input of": each.variants[0].takes} for each in sides)
        if self.base.variants[0].builder == self.head.variants[0].builder:
            for inputs, each in zip((base, head), sides, strict=True):
                inputs["arguments"] = str(dict(each.variants[0].params))
        return difference(base, head, ("in base", "in head"))


def difference(before: Mapping[str, object], after: Mapping[str, object], ends: tuple[str, str]) -> str | None:
    """Return the first fact that differs, as "batch 1 in base, 8 in head"; None if all are equal."""
    for name, value in before.items():
        if value != after[name]:
            return f"{name} {value} {ends[0]}, {after[name]} {ends[1]}"
    return None


def pairs(base: Iterable[Family], head: Iterable[Family]) -> list[Pair]:
    """Return a pair for every variant: first head's, in head's order, then those of base alone."""
    base_variants, head_variants = _by_name(base), _by_name(head)
    names = {**head_variants, **base_variants}
    return [Pair(*name, base_variants.get(name), head_variants.get(name)) for name in names]


def only(all_pairs: Sequence[Pair], wanted: Sequence[str]) -> list[Pair]:
    """Return the pairs that `wanted` names, by family or `family/variant`; all if it is empty."""
    return [pair for pair in all_pairs if not wanted or pair.family in wanted or pair.name in wanted]


def _by_name(families: Iterable[Family]) -> dict[tuple[str, str], Family]:
    return {
        (family.name, variant.name): replace(family, variants=(variant,), first="")
        for family in families
        for variant in family.variants
    }


def paired(file: SuiteFile, sources: Mapping[Side, Source], wanted: Sequence[str], overrides: Overrides) -> list[Pair]:
    """Return the pairs of the suite in both versions, limited to `wanted`.

    Raises UserError if `wanted` names an unknown network, or if the suite has none.
    """
    families = {side: _families_of(file, side, sources, overrides) for side in sources}
    all_pairs = pairs(families[BASE], families[HEAD])
    for name in wanted:
        if not only(all_pairs, [name]):
            raise unknown("network", name, [pair.name for pair in all_pairs])
    selected = only(all_pairs, wanted)
    if not selected:
        raise UserError(f"{file.name} asks for nothing")
    return selected


def _families_of(file: SuiteFile, side: Side, sources: Mapping[Side, Source], overrides: Overrides) -> list[Family]:
    suite = _suite_of(file, side, sources)
    beside = os.path.relpath(file.path.resolve().parent, Path.cwd().resolve())
    is_inside = sources[side].place == "only" and not beside.startswith(os.pardir)
    source = replace(sources[side], beside=beside) if is_inside else sources[side]
    return [taken_from(source, family) for family in families_of_suite(suite, overrides)] if suite else []


def _suite_of(file: SuiteFile, side: Side, sources: Mapping[Side, Source]) -> SuiteFile | None:
    """Return one version's suite file; None if base has it and head does not.

    If the version lacks it otherwise (neither has it, or base does not have it yet), return `file`.
    """
    paths = {
        each: Path(source.folder) / os.path.relpath(file.path.resolve(), Path.cwd().resolve())
        for each, source in sources.items()
        if source.place == "only"
    }
    if side in paths and paths[side].is_file():
        return SuiteFile(paths[side], file.name, f"{side}'s {file.path}")
    is_lost = side == HEAD and side in paths and BASE in paths and paths[BASE].is_file()
    return None if is_lost else file
