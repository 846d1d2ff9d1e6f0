"""Make typed values of what was read from outside: from JSON, or from the cells of a CSV row.

It needs the standard library alone, because workers run it under foreign interpreters.
"""

import json
import math
import types
from collections.abc import Callable, Hashable, Mapping
from dataclasses import MISSING, dataclass, fields, is_dataclass
from functools import cache
from typing import Annotated, Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

MOST = 2**63
"""Integers are smaller: Python's may have thousands of digits, which no float can hold."""
Value = TypeVar("Value")


@dataclass(frozen=True)
class Within:
    """The bounds of a number, both included: the metadata of an `Annotated` type."""

    least: float
    most: float = math.inf


class StructureError(ValueError):
    """A value is not of the declared type.

    `path` names the fields that lead to it; `lacking` is a field that is not there.
    """

    def __init__(self, reason: str, path: tuple[str, ...] = (), lacking: str | None = None) -> None:
        super().__init__(f"{': '.join(path)}: {reason}" if path else reason)
        self.reason, self.path, self.lacking = reason, path, lacking


def structure(value: object, hint: type[Value]) -> Value:
    """Return the value of this type that JSON data stands for. Raises StructureError.

    A dataclass is an object that has all fields without a default; what is no field is ignored. A
    tuple is a list, and a number is finite if the type has bounds.
    """
    return cast("Value", _read(value, hint, _json_number))


def structure_cells(cells: Mapping[str, str], hint: type[Value]) -> Value:
    """Return the dataclass of which a CSV row holds the fields, as text. Raises StructureError.

    An empty cell is None, or the default of a field that has one; numbers are finite; several values
    are JSON. A cell may be missing if its field has a default.
    """
    known = _fields(hint)  # type: ignore[arg-type]
    filled = {name: cells[name] for name, is_needed in known.items() if name in cells and (cells[name] or is_needed)}
    return cast("Value", _dataclass(filled, hint, _text_number))


Number = Callable[[object, type], Any]
"""Reads a number or a bool of a type. Raises ValueError or TypeError."""


def _read(value: object, hint: Any, number: Number) -> Any:
    origin, arguments = _parts(hint)
    if hint is Any:
        return value
    if origin is Annotated:
        return _within(_read(value, arguments[0], number), hint.__metadata__)
    if origin in (Union, types.UnionType):
        return _one_of(value, arguments, number)
    if origin is Literal:
        if any(value == each and type(value) is type(each) for each in arguments):
            return value
        raise StructureError(f"{_short(value)} is none of {', '.join(map(str, arguments))}")
    if origin is not None:
        return _collection(value, origin, arguments, number)
    return _dataclass(value, hint, number) if is_dataclass(hint) else _plain(value, hint, number)


def _within(value: Any, bounds: tuple[object, ...]) -> Any:
    for each in bounds:
        if isinstance(each, Within) and value is not None and not each.least <= value <= each.most:
            raise StructureError(f"{value} is not from {each.least:g} to {each.most:g}")
    return value


def _one_of(value: object, hints: tuple[Any, ...], number: Number) -> Any:
    if type(None) in hints and (value is None or (value == "" and number is _text_number)):
        return None
    hints = tuple(hint for hint in hints if hint is not type(None))
    if len(hints) == 1:
        return _read(value, hints[0], number)
    first: StructureError | None = None
    for hint in sorted(hints, key=lambda each: each is not type(value)):  # 1 is an int before it is a float
        try:
            return _read(value, hint, number)
        except StructureError as error:
            first = first or error
    raise first or StructureError(f"{_short(value)} is of no known type")


def _collection(value: object, origin: Any, arguments: tuple[Any, ...], number: Number) -> Any:
    if isinstance(value, str) and number is _text_number:
        value, number = _json(value), _json_number
    if issubclass(origin, Mapping):
        if not isinstance(value, Mapping):
            raise StructureError(f"{_short(value)} is no mapping")
        return {
            _read(key, arguments[0], number): _at(str(key), each, arguments[1], number) for key, each in value.items()
        }
    if not isinstance(value, list | tuple):
        raise StructureError(f"{_short(value)} is no list")
    if origin is tuple and arguments[-1] is not Ellipsis:
        if len(value) != len(arguments):
            raise StructureError(f"{len(value)} values in place of {len(arguments)}")
        return tuple(_at(str(place), *each, number) for place, each in enumerate(zip(value, arguments, strict=True)))
    return origin(_at(str(place), each, arguments[0], number) for place, each in enumerate(value))


def _dataclass(value: object, hint: Any, number: Number) -> Any:
    if isinstance(value, hint):
        return value
    if not isinstance(value, Mapping):
        raise StructureError(f"{_short(value)} is no {hint.__name__}")
    hints = _hints(hint)
    for name, is_needed in _fields(hint).items():
        if is_needed and name not in value:
            raise StructureError(f"it lacks {name}", lacking=name)
    return hint(**{name: _at(name, each, hints[name], number) for name, each in value.items() if name in hints})


# Thousands of rows and events are of the same few types, which are looked into once.
@cache
def _parts(hint: Hashable) -> tuple[Any, tuple[Any, ...]]:
    """Return a type's origin and arguments."""
    return get_origin(hint), get_args(hint)


@cache
def _fields(kind: Hashable) -> Mapping[str, bool]:
    """Return a dataclass's fields by name: whether they must be there."""
    return {
        each.name: each.default is MISSING and each.default_factory is MISSING for each in fields(cast("Any", kind))
    }


@cache
def _hints(kind: Hashable) -> Mapping[str, Any]:
    return get_type_hints(kind, include_extras=True)


def _at(name: str, value: object, hint: Any, number: Number) -> Any:
    """Read the value of a field; an error names the field."""
    try:
        return _read(value, hint, number)
    except StructureError as error:
        raise StructureError(error.reason, (name, *error.path), error.lacking) from None


def _plain(value: object, hint: type, number: Number) -> Any:
    if hint not in (int, float, bool):
        if isinstance(value, hint):
            return value
        raise StructureError(f"{_short(value)} is no {hint.__name__}")
    try:
        read = number(value, hint)
    except (ValueError, TypeError):
        raise StructureError(f"{_short(value)} is no {hint.__name__}") from None
    if isinstance(read, int) and abs(read) >= MOST:
        raise StructureError(f"{_short(value)} is too large")
    return read


def _json_number(value: object, hint: type) -> Any:
    allowed = (int, float) if hint is float else (hint,)
    if type(value) not in allowed:
        raise TypeError
    return value


def _text_number(value: object, hint: type) -> Any:
    text = cast("str", value)
    if hint is bool:
        return {"True": True, "False": False}[text] if text in {"True", "False"} else _json_number(None, hint)
    number = hint(text)
    if isinstance(number, float) and not math.isfinite(number):
        raise ValueError
    return number


def _json(text: str) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        raise StructureError(f"{_short(text)} is no JSON") from None


def _short(value: object) -> str:
    text = repr(value) if isinstance(value, str) else str(value)
    return text if len(text) <= 40 else f"{text[:40]}…"
