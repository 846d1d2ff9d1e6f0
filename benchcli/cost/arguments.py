"""Name an operator as the rules know it, and its arguments as its schema does."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any

import torch
from torch._ops import OpOverload

from benchcli.cost.operators import QUANTISED, QUANTISED_TRANSPOSED, twin

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
"""The key under which torch keeps the kernels that are made of other operators."""
Arguments = Mapping[str, Any]


@cache
def is_composite(func: OpOverload) -> bool:
    """Return whether an operator's kernel calls others. Decompositions for compilers do not count."""
    try:
        return bool(torch._C._dispatch_has_kernel_for_dispatch_key(str(func.name()), COMPOSITE))  # type: ignore[no-untyped-call]
    except RuntimeError:  # it is one of Python's own
        return False


def named(func: OpOverload, args: Sequence[Any], kwargs: Mapping[str, Any]) -> tuple[str, Arguments]:
    """Return the name by which the rules know an operator, and its arguments by name.

    A quantised layer's packed weight and bias are unpacked: "packed" is what held them.
    """
    name, schema = twin(func.overloadpacket.__name__), func._schema
    defaults = {each.name: each.default_value for each in schema.arguments if each.has_default_value()}
    arguments = {**defaults, **dict(zip((each.name for each in schema.arguments), args, strict=False)), **kwargs}
    if func.namespace == "aten":
        return name, arguments
    if func.namespace != "quantized":
        return f"{func.namespace}.{name}", arguments
    packed = [each for each in args if hasattr(each, "unpack")]
    if not packed or not name.startswith(("conv", "linear", "quantized_")):
        return f"quantized.{name}", arguments
    held = [each.unpack() for each in packed]
    weights, biases = zip(*((parts[0], parts[1]) for parts in held), strict=True)
    arguments |= {"packed": (packed, [*weights, *biases]), "weight": weights[0], "bias": biases[0]}
    arguments |= {"others": [*weights[1:], *biases[1:]]}
    product = QUANTISED_TRANSPOSED if "transpose" in name else QUANTISED
    return f"quantized.{name}" if name.startswith("quantized_") else product, arguments


def written_arguments(func: OpOverload, arguments: Arguments) -> list[Any]:
    """Return the arguments that an operator writes to."""
    return [arguments.get(each.name) for each in func._schema.arguments if _is_written(each)]


def read_arguments(func: OpOverload, arguments: Arguments) -> list[Any]:
    """Return the arguments that an operator may read: all but those that only take its output."""
    outputs = {each.name for each in func._schema.arguments if each.kwarg_only and _is_written(each)}
    return [value for name, value in arguments.items() if name not in outputs | {"packed"}]


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and bool(argument.alias_info.is_write)
