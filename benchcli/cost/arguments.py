"""Name an operator as the rules know it, and its arguments as its schema does."""

from collections.abc import Collection, Mapping, Sequence
from functools import cache, partial
from typing import Any

import torch
from torch._ops import OpOverload

from benchcli.cost.operators import QUANTISED, QUANTISED_TRANSPOSED, twin
from benchcli.cost.training_operators import CONVOLUTION_GRADIENTS, NORMALISATION_GRADIENTS, SHAPES_ONLY, UPDATES

COMPOSITE = torch._C.DispatchKey.CompositeImplicitAutograd
"""The key under which torch keeps the kernels that are made of other operators."""
Arguments = Mapping[str, Any]


@cache
def is_composite(func: OpOverload) -> bool:
    """Return whether an operator's kernel calls others. Decompositions for compilers do not count.

    An operator that has a kernel for CPUs besides, such as the gradient of SiLU, is one operator.
    """
    has_kernel = partial(torch._C._dispatch_has_kernel_for_dispatch_key, str(func.name()))  # type: ignore[no-untyped-call]
    try:
        return bool(has_kernel(COMPOSITE)) and not has_kernel(torch._C.DispatchKey.CPU)
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
    names = [each.name for each in func._schema.arguments if _is_written(each)]
    if twin(func.overloadpacket.__name__) in UPDATES and arguments["grad_scale"] is None:
        names.remove("grads")  # it writes gradients where it scales them
    return [arguments.get(each) for each in names]


def read_arguments(func: OpOverload, arguments: Arguments) -> list[Any]:
    """Return the arguments that an operator may read: all but those that only take its output, or give a shape."""
    outputs = {each.name for each in func._schema.arguments if each.kwarg_only and _is_written(each)}
    unread = outputs | {"packed", *_unread(twin(func.overloadpacket.__name__), arguments)}
    return [value for name, value in arguments.items() if name not in unread]


def _unread(name: str, arguments: Arguments) -> Collection[str]:
    """Return the arguments that a backward operator does not read, for the gradients that it is to compute."""
    mask = arguments.get("output_mask")
    if name in CONVOLUTION_GRADIENTS and mask:
        return [each for each, needed in (("weight", mask[0]), ("input", mask[1])) if not needed]
    if name in NORMALISATION_GRADIENTS:
        of_batch = arguments.get("train", arguments.get("update"))
        return ("bias", *(("running_mean", "running_var") if of_batch else ()))
    return SHAPES_ONLY.get(name, ())


def _is_written(argument: Any) -> bool:
    return argument.alias_info is not None and bool(argument.alias_info.is_write)
