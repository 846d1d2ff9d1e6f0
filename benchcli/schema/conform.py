"""Check values against the types that their dataclasses declare, after they were read from outside."""

import types
from collections.abc import Hashable, Mapping
from dataclasses import is_dataclass
from functools import cache
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

MOST = 2**63
"""Whole numbers are smaller: Python's may have thousands of digits, which no float can hold."""


def whole(text: str) -> int:
    """Return the whole number in a text. Raises ValueError for one that no count can be."""
    number = int(text)
    if abs(number) >= MOST:
        raise ValueError(f"{text[:20]}… is no count")
    return number


def conforms(value: object) -> bool:
    """Return whether all fields of a dataclass instance, inner ones too, have the declared types."""
    return all(_is(getattr(value, name), hint) for name, hint in _hints(type(value)).items())  # type: ignore[arg-type]


@cache
def _hints(kind: Hashable) -> Mapping[str, Any]:
    return get_type_hints(kind)


def _is(value: object, hint: Any) -> bool:
    origin, arguments = get_origin(hint), get_args(hint)
    if hint is Any:
        return True
    if origin in (Union, types.UnionType):
        return any(_is(value, each) for each in arguments)
    if origin is Literal:
        return any(value == each and type(value) is type(each) for each in arguments)
    if origin is not None:
        return _is_collection(value, origin, arguments)
    if is_dataclass(hint):
        return isinstance(value, hint) and conforms(value)  # type: ignore[arg-type]
    return _is_plain(value, hint)


def _is_collection(value: object, origin: Any, arguments: tuple[Any, ...]) -> bool:
    if isinstance(value, Mapping):
        return issubclass(origin, Mapping) and all(
            _is(key, arguments[0]) and _is(value[key], arguments[1]) for key in value
        )
    if not isinstance(value, tuple | list) or not isinstance(value, origin):
        return False
    if origin is tuple and arguments[-1] is not Ellipsis:
        return len(value) == len(arguments) and all(map(_is, value, arguments))
    return all(_is(each, arguments[0]) for each in value)


def _is_plain(value: object, hint: type) -> bool:
    if hint in (int, float) and (isinstance(value, bool) or (isinstance(value, int) and abs(value) >= MOST)):
        return False
    if hint is float:
        return isinstance(value, int | float)
    return isinstance(value, hint)
