"""Outputs that compute when they are read, and those that only look like it."""

from collections import Counter, OrderedDict, UserDict, defaultdict, namedtuple
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from types import MappingProxyType, SimpleNamespace
from typing import Any

import pytest
import torch

from benchcli.guards.outputs import WrongOutputError, outputs_of

ONE = torch.ones(2)
Pair = namedtuple("Pair", "scores ids")


@dataclass
class Scores:
    scores: torch.Tensor

    @property
    def probabilities(self) -> torch.Tensor:
        return self.scores.softmax(0)


class Named(OrderedDict[str, Any]):
    """Like ModelOutput of transformers: attributes, and items by number."""

    def __getitem__(self, key: Any) -> Any:
        return dict(self.items())[key] if isinstance(key, str) else tuple(self.values())[key]


class LazyDict(dict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        return super().__getitem__(key) * 2


class Missing(dict[str, Any]):
    def __missing__(self, key: str) -> Any:
        return ONE * 2


class LazyList(list[Any]):
    def __iter__(self) -> Iterator[Any]:
        return (each * 2 for each in super().__iter__())


class Indexed(list[Any]):
    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(key) * 2


class LazyMapping(UserDict[str, Any]):
    def __getitem__(self, key: str) -> Any:
        if isinstance(self.data[key], float):
            self.data[key] = ONE * self.data[key]  # a second look finds it stored
        return self.data[key]


class Lazy:
    def __init__(self, **stored: Any) -> None:
        vars(self).update(stored)

    @property
    def scores(self) -> torch.Tensor:
        return ONE * 2


class Cached:
    def __init__(self) -> None:
        self.x = ONE

    @cached_property
    def scores(self) -> torch.Tensor:
        return self.x * 2


class Slotted:
    __slots__ = ("empty", "work", "x")

    def __init__(self, work: object) -> None:
        self.x, self.work = ONE, work


def generator() -> Iterator[torch.Tensor]:
    yield ONE


@pytest.mark.parametrize(
    "result",
    [
        ONE,
        (ONE, [ONE], {"a": ONE, "n": 5, "text": "cat", "none": None}),
        Pair(ONE, ONE),
        Scores(ONE),
        Named(scores=ONE, n=10**9),
        OrderedDict(a=ONE),
        defaultdict(list, a=[ONE]),
        {"a": ONE, "counts": Counter("cat"), "kind": int},
        UserDict(a=ONE),
        MappingProxyType({"a": ONE}),
        SimpleNamespace(a=ONE),
        torch.ones(2, 2).max(0),
        (ONE, torch.Size([10**6, 3])),
        torch.distributions.Normal(ONE, ONE),
        torch.distributions.TransformedDistribution(
            torch.distributions.Normal(ONE, ONE), [torch.distributions.ExpTransform()]
        ),
        (Slotted(5), ONE),
    ],
    ids=lambda each: type(each).__name__,
)
def test_what_holds_computed_tensors_is_an_output(result: object) -> None:
    assert outputs_of(result)


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda: LazyDict(a=ONE), "its output is or holds a LazyDict, which computes when it is read"),
        (lambda: Missing(a=ONE), "its output is or holds a Missing, which computes when it is read"),
        (lambda: LazyList([ONE]), "its output 0 is computed when the LazyList that it returns is read"),
        (lambda: Indexed([ONE]), "its output is or holds a Indexed, which computes when it is read"),
        (lambda: LazyMapping(a=2.0), "its output a is computed when the LazyMapping that it returns is read"),
        (lambda: (ONE, generator()), "its output holds a generator, which computes when it is read"),
        (lambda: (ONE, map(abs, [ONE])), "its output holds a map, which computes when it is read"),
        (lambda: {"a": ONE, "b": partial(abs, ONE)}, "its output holds a partial, which computes when it is read"),
        (lambda: [ONE, torch.nn.Linear(2, 2)], "its output holds a Linear, which computes when it is read"),
        (lambda: [ONE, generator], "its output holds the function generator, which computes when it is read"),
        (lambda: Lazy(x=ONE), "its output is or holds a Lazy, which computes when it is read"),
        (lambda: Lazy(x=ONE, net=torch.nn.ReLU()), "which computes when it is read"),
        (Cached, "its output is or holds a Cached, which computes when it is read"),
        (lambda: (ONE, Slotted(generator)), "its output holds the function generator, which computes when it is read"),
    ],
)
def test_what_computes_when_it_is_read_is_refused_by_name(make: Callable[[], object], text: str) -> None:
    with pytest.raises(WrongOutputError) as error:
        outputs_of(make())
    assert text in str(error.value)
    assert str(error.value).endswith(": return a tensor, or a tuple, list, dict or dataclass of computed tensors")


def test_a_generator_alone_holds_no_tensor() -> None:
    with pytest.raises(WrongOutputError, match="the network returned a generator without a tensor in it"):
        outputs_of(generator())
