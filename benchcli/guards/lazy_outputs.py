"""Find outputs that compute when they are read: their work would not be in the time of the call."""

import inspect
from collections import Counter, OrderedDict, defaultdict
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from dataclasses import is_dataclass
from functools import cached_property, partial
from types import FunctionType, MethodType
from typing import Any

import torch

from benchcli.cost.inputs import PLAIN, nodes, tensors

Stored = Mapping[int, object]
"""The objects that an output stores, by `id`."""
DISTRIBUTIONS = "torch.distributions"
"""Its objects compute their moments in properties, and hold callable transforms: they are values all the same."""


def stored(result: object) -> Stored:
    """Return all objects that an output stores, without a call of its own methods."""
    found: dict[int, object] = {}
    waiting = [result]
    while waiting:
        each = waiting.pop()
        if each is None or isinstance(each, PLAIN) or id(each) in found:
            continue
        found[id(each)] = each
        if not _is_computation(each):
            waiting += _held(each)
    return found


def why_lazy(result: object, stored: Stored) -> str | None:
    """Return why reading an output computes, as text that names its type; None if it does not.

    `stored` is what it held before anything of it was read.
    """
    for each in stored.values():
        if _is_computation(each):
            return f"its output holds {_named(each)}, which computes when it is read"
        if _computes(each):
            return f"its output is or holds a {type(each).__name__}, which computes when it is read"
    for name, each in nodes(result):
        if isinstance(each, torch.Tensor) and id(each) not in stored:
            where = f"its output {name}" if name else "its output"
            return f"{where} is computed when the {type(result).__name__} that it returns is read"
    return None


def _is_computation(value: object) -> bool:
    """Return whether a value is a function, a network or the like, which may hold work that is still to be done."""
    if isinstance(value, type) or type(value).__module__.startswith(DISTRIBUTIONS):
        return False
    return callable(value) or isinstance(value, Iterator | Awaitable)


def _held(value: object) -> list[object]:
    """Return what an object stores, without its own methods."""
    held: list[object] = []
    if isinstance(value, tuple | list | set | frozenset):
        kind: Any = next(each for each in (tuple, list, set, frozenset) if isinstance(value, each))
        held += kind.__iter__(value)
    elif isinstance(value, dict):
        held += dict.values(value)
    elif isinstance(value, Mapping) and not hasattr(value, "__dict__"):
        held += value.values()  # a type in C, such as a mappingproxy
    attributes = getattr(value, "__dict__", None) if not isinstance(value, type) else None
    held += attributes.values() if isinstance(attributes, dict) else ()
    for kind in () if isinstance(value, torch.Tensor) else type(value).__mro__:
        held += (each.__get__(value) for each in vars(kind).values() if _is_filled_slot(each, value))
    return held


def _is_filled_slot(member: object, value: object) -> bool:
    if not inspect.ismemberdescriptor(member):
        return False
    try:
        member.__get__(value)
    except AttributeError:
        return False
    return True


def _computes(value: object) -> bool:
    """Return whether what reads an object is code that returns other values than those it stores."""
    kind = type(value)
    if kind in (tuple, list, dict, OrderedDict, defaultdict, Counter) or isinstance(value, torch.Tensor | type):
        return False
    if isinstance(value, dict):
        return hasattr(kind, "__missing__") or _reads_others(value, dict.items(value))
    if isinstance(value, tuple | list):
        plain: Any = tuple if isinstance(value, tuple) else list
        return _reads_others(value, enumerate(plain.__iter__(value)))
    is_plain = is_dataclass(value) or isinstance(value, Mapping) or kind.__module__.startswith(DISTRIBUTIONS)
    return not is_plain and any(_is_computed(value, name) for name in _properties(kind))


def _reads_others(value: Any, items: Iterable[tuple[Any, object]]) -> bool:
    """Return whether indexing gives other values than those that are stored."""
    objects = [(key, each) for key, each in items if each is not None and not isinstance(each, PLAIN)]
    return any(_read(partial(value.__getitem__, key)) is not each for key, each in objects)


def _properties(kind: type) -> Iterator[str]:
    for each in kind.__mro__:
        names = (name for name, member in vars(each).items() if isinstance(member, property | cached_property))
        yield from (name for name in names if not name.startswith("__"))


def _is_computed(value: object, name: str) -> bool:
    """Return whether a property gives tensors that the object does not store."""
    known = {id(each) for each in stored(value).values()}
    return any(id(each) not in known for each in tensors(_read(partial(getattr, value, name))))


def _read(get: Callable[[], object]) -> object:
    try:
        return get()
    except Exception:  # a user's code may raise anything
        return None


def _named(value: object) -> str:
    kind = type(value).__name__
    return f"the {kind} {value.__qualname__}" if isinstance(value, FunctionType | MethodType) else f"a {kind}"
