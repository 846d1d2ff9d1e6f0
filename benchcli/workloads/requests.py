"""Requests that become families of networks at every combination of batch, dtype, layout, step and runtime."""

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import product
from typing import Any, ClassVar

from benchcli import files
from benchcli.errors import UserError
from benchcli.schema import INFERENCE, Catalogue, Family, Source, Step, Variant
from benchcli.spelling import given
from benchcli.workloads.overrides import Overrides


@dataclass(frozen=True, kw_only=True)
class Request(ABC):
    """The networks that one table of a suite, or one command, asks for."""

    name: str = ""
    batches: tuple[int, ...] = (1,)
    dtypes: tuple[str, ...] = ("float32",)
    layouts: tuple[str, ...] = ("nchw",)
    steps: tuple[Step, ...] = (INFERENCE,)
    threads: tuple[int, ...] = ()
    """Several numbers of threads to compare; empty for the target's."""
    runtimes: tuple[str, ...] = ()
    """Several runtimes to compare; empty for the target's."""
    sizes: tuple[int, ...] = ()
    """Several heights and widths to compare; empty for the request's own."""

    allow_random: bool = False
    """Whether networks with random outputs are timed."""

    @property
    def family_name(self) -> str:
        """The first part of the families' names."""
        return self.name

    @abstractmethod
    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield the families with the overrides. Raises UserError if a setting is invalid."""

    def settings(self, name: str, overrides: Overrides) -> Iterator["Combination"]:
        """Yield each batch, dtype, layout, step, threads, runtime and size, for families that begin with `name`."""
        own = replace(self, **overrides.of_inputs())
        of_target = (own.threads or (None,), own.runtimes or ("",))
        choices = (own.batches, own.dtypes, own.layouts, own.steps, *of_target, own.sizes or (None,))
        first = ""
        for values in product(*choices):
            batch, dtype, layout, step, threads, runtime, size = values
            texts = _texts(batch, dtype, layout, step, threads, runtime, size)
            several = (text for text, choice in zip(texts, choices, strict=True) if len(choice) > 1)
            family = "-".join([name, *several])
            first = first or (family if family != name else "")
            yield Combination(family, first, batch, dtype, layout, step, threads, runtime, size, own.allow_random)


@dataclass(frozen=True)
class Combination:
    """One combination of the settings in which the same networks are compared."""

    name: str
    """The name of its family."""
    first: str
    """The name of the family in the first setting; empty if there is only one."""
    batch: int
    dtype: str
    layout: str
    step: Step
    threads: int | None
    runtime: str
    size: int | None
    allow_random: bool = False

    @property
    def of_family(self) -> dict[str, Any]:
        """Return the fields of its family."""
        return {name: value for name, value in vars(self).items() if name != "size"}


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

    def sized(self, size: int) -> "FamilyRequest":
        """Return the request at a size. Raises UserError if its inputs have no size."""
        raise UserError(
            f"{given('size')} is of images, and {self.name} has shapes of its own: leave it out (not {size})"
        )

    def families(self, overrides: Overrides) -> Iterator[Family]:
        """Yield a family for each batch, dtype, layout and step.

        A user's networks are imported from the current folder first.
        """
        self._refuse_channels(overrides)
        current_folder = Source(str(files.here()), "first")
        for setting in self.settings(self.name, overrides):
            request = self if setting.size is None else self.sized(setting.size)
            family = Family(
                guideline="",
                scale=1,
                widths=self.widths,
                variants=tuple(request.variants()),
                catalogue=self.catalogue,
                **setting.of_family,
            )
            yield taken_from(current_folder, family)

    def _refuse_channels(self, overrides: Overrides) -> None:
        """Raise UserError if an override changes the channels, which are fixed here."""
        of_channels = {"width": overrides.width, "channels": overrides.widths, "scale": overrides.scales}
        for name, value in of_channels.items():
            if value:
                raise UserError(f"{given(name)} is for guidelines: {self.name} has channels of its own; leave it out")


def _texts(
    batch: int, dtype: str, layout: str, step: Step, threads: int | None, runtime: str, size: int | None
) -> tuple[str, ...]:
    """Return what the name of a family says of each setting, in this order, if there are several of it."""
    return (f"b{batch}", dtype, layout, step, f"t{threads}", runtime.replace(":", "-"), f"s{size}")


def bare_name(family: Family) -> str:
    """Return the name of a family without its settings."""
    name, size = family.name, family.variants[0].shape[-1:]
    of = (family.batch, family.dtype, family.layout, family.step, family.threads, family.runtime)
    for text in reversed(_texts(*of, size[0] if size else None)):
        name = name.removesuffix(f"-{text}")
    return name


def settings_of(families: Iterable[Family]) -> dict[str, str]:
    """Return the dtypes, layouts, batch sizes and steps of the families' inputs, joined with "and"."""
    inputs = [family.inputs for family in families]
    return {
        name: " and ".join(dict.fromkeys(str(each[name]) for each in inputs))
        for name in ("dtype", "layout", "batch", "step")
    }


def taken_from(source: Source, family: Family) -> Family:
    """Return the family with `source` as the source of its networks, except the built-in ones."""
    variants = tuple(v if v.is_built_in else replace(v, source=source) for v in family.variants)
    return replace(family, variants=variants)
