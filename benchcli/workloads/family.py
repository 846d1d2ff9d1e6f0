"""Families of networks that stand for themselves, at every combination of batches, dtypes and layouts."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import ClassVar

from benchcli.schema import Catalogue, Family, Variant


@dataclass(frozen=True, kw_only=True)
class PlainRequest(ABC):
    """Networks compared with each other; the first is the baseline."""

    name: str
    batches: tuple[int, ...] = (1,)
    dtypes: tuple[str, ...] = ("float32",)
    layouts: tuple[str, ...] = ("nchw",)
    catalogue: ClassVar[Catalogue] = ""

    @property
    def widths(self) -> str:
        """What the families' channels are called."""
        return "own"

    @abstractmethod
    def variants(self) -> Iterator[Variant]:
        """Yield the networks. Raises UserError where one cannot be."""

    def families(self) -> Iterator[Family]:
        """Yield a family for each batch, dtype and layout. Raises UserError where a network cannot be."""
        variants = tuple(self.variants())
        settings = (self.batches, self.dtypes, self.layouts)
        for batch, dtype, layout in product(*settings):
            extras = zip((f"b{batch}", dtype, layout), settings, strict=True)
            yield Family(
                name="-".join([self.name, *(text for text, choices in extras if len(choices) > 1)]),
                guideline="",
                scale=1,
                widths=self.widths,
                batch=batch,
                dtype=dtype,
                layout=layout,
                variants=variants,
                catalogue=self.catalogue,
            )
