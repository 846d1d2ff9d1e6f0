"""Recipes: the calls of operators that a network makes, in which a fresh process can make them again.

A recipe has shapes, strides and settings, and no values. It is JSON, so that lists of them can be written
by hand, kept in tables, and sent to workers.
"""

import json
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import cached_property
from typing import Annotated, Any

from benchcli.schema.observations import Count, Duration
from benchcli.schema.request import sizes
from benchcli.schema.structure import Within

SHAPE, STRIDES, DTYPE, WEIGHT = "shape", "strides", "dtype", "weight"
"""The keys of a tensor in a recipe: `weight` is whether the network keeps it."""
NAMED = "name"
"""The key of a constant of torch in a recipe, such as "float32", "contiguous_format" or "cpu"."""
FLOAT32 = "float32"
Times = Annotated[int, Within(1, 1_000_000)]


@dataclass(frozen=True)
class OperatorRecipe:
    """A call of an operator."""

    operator: str
    """Its name, such as "aten.convolution.default"."""
    arguments: tuple[Any, ...] = ()
    """Numbers, texts, lists of them, and tensors: {"shape": [1, 24, 56, 56]}, with strides unless it is contiguous,
    a dtype unless it is float32, and "weight": true if the network keeps it."""
    keywords: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def key(self) -> str:
        """The text by which a table keeps what is known of it."""
        return json.dumps([self.operator, self.arguments, self.keywords], separators=(",", ":"), sort_keys=True)

    @property
    def tensors(self) -> list[Mapping[str, Any]]:
        """The tensors among its arguments."""
        return list(_tensors([self.arguments, self.keywords]))

    @property
    def bytes_(self) -> int:
        """The bytes of its tensors: what it reads, as far as it reads all of them."""
        return sum(math.prod(each[SHAPE]) * bytes_of(each.get(DTYPE, FLOAT32)) for each in self.tensors)

    def __str__(self) -> str:
        shapes = " and ".join(sizes(each[SHAPE]) for each in self.tensors)
        return f"{self.operator} of {shapes or 'numbers'}"


@dataclass(frozen=True)
class RepeatedOperator:
    """A recipe, and how often a call of a network follows it."""

    recipe: OperatorRecipe
    times: Times = 1


@dataclass(frozen=True)
class OperatorList:
    """What a call of a network does, without its order: enough to predict its time."""

    operators: tuple[RepeatedOperator, ...]
    flops: Count = 0
    """Multiply-adds of the call."""
    mac_bytes: Count = 0
    """Memory access cost in bytes, unfused."""
    weight_bytes: Count = 0
    """Bytes of the parameters and buffers."""
    lacking: tuple[str, ...] = ()
    """What the call does that has no recipe, in words."""

    @property
    def calls(self) -> int:
        """The calls of operators."""
        return sum(each.times for each in self.operators)

    def __add__(self, other: "OperatorList") -> "OperatorList":
        """Return what two parts of a network do, one after the other."""
        return self.joined([other])

    def joined(self, others: Iterable["OperatorList"]) -> "OperatorList":
        """Return what parts of a network do, one after the other. For many it is faster than adding them."""
        parts = [self, *others]
        return OperatorList(
            merged(each for part in parts for each in part.operators),
            flops=sum(part.flops for part in parts),
            mac_bytes=sum(part.mac_bytes for part in parts),
            weight_bytes=sum(part.weight_bytes for part in parts),
            lacking=tuple(dict.fromkeys(each for part in parts for each in part.lacking)),
        )

    def to_json(self) -> str:
        """Return the list as JSON, which `benchcli predict FILE.json` reads."""
        return json.dumps(asdict(self), indent=1)


@dataclass(frozen=True)
class OperatorTimes:
    """The seconds of one call of an operator, in three states of the caches.

    In a table they are those at the pace at which the reference network takes the table's `reference_s`.
    """

    warm_s: Duration
    """All that it reads, and what it writes to, was used by the call just before."""
    near_s: Duration
    """Its inputs were just written; its weights have left the private caches of the core."""
    far_s: Duration
    """The same, and the weights have left the caches as far as a flush of `FAR_BYTES` clears them."""

    def scaled(self, factor: float) -> "OperatorTimes":
        """Return the times at another pace."""
        return OperatorTimes(self.warm_s * factor, self.near_s * factor, self.far_s * factor)


def merged(operators: Iterable[RepeatedOperator]) -> tuple[RepeatedOperator, ...]:
    """Return each recipe once, with the sum of its times."""
    recipes: dict[str, OperatorRecipe] = {}
    times: Counter[str] = Counter()
    for each in operators:
        recipes.setdefault(each.recipe.key, each.recipe)
        times[each.recipe.key] += each.times
    return tuple(RepeatedOperator(recipe, times[key]) for key, recipe in recipes.items())


def bytes_of(dtype: str) -> int:
    """Return the bytes of an element of a dtype, by the number in its name: float32 has four."""
    digits = "".join(letter for letter in dtype if letter.isdigit())
    return max(1, int(digits) // 8) if digits else 1


def _tensors(tree: object) -> Iterable[Mapping[str, Any]]:
    if isinstance(tree, Mapping):
        if SHAPE in tree:
            yield tree
        else:
            for each in tree.values():
                yield from _tensors(each)
    elif isinstance(tree, Sequence) and not isinstance(tree, str):
        for each in tree:
            yield from _tensors(each)
