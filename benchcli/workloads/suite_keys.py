"""The keys of a suite's tables, with the functions that check and convert their values."""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeVar

from benchcli.cost.own_rules import OPERATOR
from benchcli.errors import UserError
from benchcli.schema import BUILT_IN, Input, Parameter
from benchcli.settings import (
    ALLOW_RANDOM,
    BATCH,
    DTYPE,
    GROUP,
    LAYOUT,
    NAMED_WIDTHS,
    SCALE,
    SIZES,
    STEP,
    STRIDE,
    UNITS,
    WIDTHS,
    Setting,
)
from benchcli.validation import Percentage, distinct, one_of
from benchcli.workloads import input_texts as inputs
from benchcli.workloads.blocks.base import BLOCKS
from benchcli.workloads.blocks.block_request import ALL
from benchcli.workloads.built_in import find_built_in
from benchcli.workloads.guidelines.base import EXPERIMENTS, Width
from benchcli.workloads.guidelines.guideline_request import Widths
from benchcli.workloads.networks.network_request import OWN

Item = TypeVar("Item")
Keys = Mapping[str, tuple[str, Callable[[str, object], Any]]]
"""The key's name in TOML, mapped to the request's field and the function that reads the value."""


def _text(key: str, value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UserError(f"{key} must be a string, not {value!r}")
    return value


def _name(key: str, value: object) -> str:
    name = _text(key, value)
    if not all(letter.isalnum() or letter in "-_." for letter in name):
        raise UserError(f"{key} may hold letters, digits, '-', '_' and '.', not {name!r}")
    return name


def _guideline(key: str, value: object) -> str:
    return EXPERIMENTS[_text(key, value)].name


def _list(value: object) -> Iterator[object]:
    yield from value if isinstance(value, list) else [value]


def _several(key: str, value: object, read: Callable[[object], Item]) -> tuple[Item, ...]:
    values = tuple(read(item) for item in _list(value))
    if not values:
        raise UserError(f"{key} is an empty list")
    distinct(key, values)
    return values


def _more(setting: Setting) -> Callable[[str, object], tuple[Any, ...]]:
    return lambda key, value: _several(key, value, lambda item: setting.kind.check(key, item))


def _values(key: str, value: object) -> tuple[str, ...]:
    if not isinstance(value, list) or not value:
        raise UserError(f"{key} must be a list of the guideline's values, not {value!r}")
    if not all(isinstance(item, str | int) and not isinstance(item, bool) for item in value):
        raise UserError(f"{key} must hold strings or whole numbers, not {value!r}")
    return tuple(str(item) for item in value)


def _widths(key: str, value: object) -> Widths:
    if isinstance(value, list):
        return tuple(_width(key, item) for item in value)
    if isinstance(value, str):
        return one_of("set of channels", value, NAMED_WIDTHS)
    return WIDTHS.check(key, value)


def _width(key: str, item: object) -> Width:
    if isinstance(item, list):
        return tuple(WIDTHS.check(key, part) for part in item)
    return WIDTHS.check(key, item)


def builder_of(key: str, value: object) -> str:
    """Return what makes a network, in the form that is recorded. Raises UserError where it is none."""
    text = _text(key, value)
    if text.startswith(BUILT_IN):
        find_built_in(text)
    elif not re.fullmatch(OWN, text):
        raise UserError(f"{key} must be 'package.module:callable', not {value!r}")
    elif text.startswith("benchcli."):
        raise UserError(f"{key}: a network of benchcli is named {BUILT_IN}network/NAME or so, not {value!r}")
    return text


def _arguments(key: str, value: object) -> dict[str, Parameter]:
    if not isinstance(value, dict):
        raise UserError(f"{key} must be a table, such as {{ width = 64 }}, not {value!r}")
    for name, argument in value.items():
        parts = argument if isinstance(argument, list) else [argument]
        if not all(isinstance(part, bool | int | float | str) for part in parts):
            raise UserError(
                f"{key}: {name} must be a number, a string, true, false, or a list of them, not {argument!r}"
            )
    return value


def _operator(key: str, value: object) -> str:
    name = _text(key, value)
    if not re.fullmatch(OPERATOR, name):
        raise UserError(f"{key} must name an operator, such as 'mylib::op', not {name!r}")
    return name


def _function(key: str, value: object) -> str:
    name = _text(key, value)
    if not re.fullmatch(OWN, name):
        raise UserError(f"{key} must be 'package.module:callable', not {name!r}")
    return name


def _shape(key: str, value: object) -> tuple[int, ...]:
    if not isinstance(value, list) or not value:
        raise UserError(f"{key} must be the sizes of an input without its batch, such as [3, 224, 224], not {value!r}")
    return tuple(WIDTHS.check(f"a size in {key}", item) for item in value)


def _inputs(key: str, value: object) -> tuple[int, tuple[Input, ...]]:
    """Return the batch and the inputs. Raises UserError if a text is none."""
    texts = list(_list(value))
    if not texts or not all(isinstance(text, str) for text in texts):
        raise UserError(f"{key} must be a list of texts, such as ['ids=1x16:int64:0..29999'], not {value!r}")
    return inputs.read([str(text) for text in texts], key)


def _tables(key: str, value: object) -> list[Mapping[str, object]]:
    if not isinstance(value, list) or not value or not all(isinstance(item, dict) for item in value):
        raise UserError(f"{key} must be tables, each headed [[family.{key}]]")
    return value


def _names(key: str, value: object) -> tuple[str, ...]:
    return _several(key, value, lambda item: _text(key, item))


def _true_or_false(key: str, value: object) -> bool:
    if not isinstance(value, bool):
        raise UserError(f"{key} must be true or false, not {value!r}")
    return value


def _blocks(key: str, value: object) -> tuple[str, ...]:
    names = _names(key, value)
    if tuple(map(str.lower, names)) == (ALL,):
        return (ALL,)
    return _several(key, [BLOCKS[name].name for name in names], str)


_INPUT: Keys = {
    "batch": ("batches", _more(BATCH)),
    "dtype": ("dtypes", _more(DTYPE)),
    "layout": ("layouts", _more(LAYOUT)),
    "step": ("steps", _more(STEP)),
    ALLOW_RANDOM.name: (ALLOW_RANDOM.name, _true_or_false),
}
_PLANE: Keys = {"size": ("size", SIZES.check)}
GUIDELINE_KEYS: Keys = {
    "guideline": ("guideline", _guideline),
    "name": ("name", _name),
    "widths": ("widths", _widths),
    "values": ("values", _values),
    "scales": ("scales", _more(SCALE)),
    **_INPUT,
    **_PLANE,
}
VARIANT_KEYS: Keys = {
    "name": ("name", _name),
    "network": ("builder", builder_of),
    "arguments": ("arguments", _arguments),
    "shape": ("shape", _shape),
    "inputs": ("inputs", _inputs),
    "top1_error": ("top1_error", Percentage().check),
}
CUSTOM_KEYS: Keys = {**VARIANT_KEYS, **_INPUT, "variant": ("variants", _tables)}
COST_RULE_KEYS: Keys = {"operator": ("operator", _operator), "rule": ("function", _function)}
BLOCK_KEYS: Keys = {
    "blocks": ("blocks", _blocks),
    "name": ("name", _name),
    "width": ("width", WIDTHS.check),
    "units": ("units", UNITS.kind.check),
    "stride": ("stride", STRIDE.kind.check),
    **_PLANE,
    **_INPUT,
}
NETWORK_KEYS: Keys = {
    "networks": ("networks", _names),
    "inputs": ("inputs", _inputs),
    "group": ("group", GROUP.kind.check),
    "name": ("name", _name),
    **_PLANE,
    **_INPUT,
}
