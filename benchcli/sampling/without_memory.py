"""Build a network and its inputs without memory: with shapes, dtypes and devices, and no values."""

import math
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch._ops import OpOverload
from torch.nn.parameter import is_lazy
from torch.utils.weak import WeakTensorKeyDictionary

from benchcli.cost.inputs import Inputs
from benchcli.cost.watching import Watch
from benchcli.guards import code_versions
from benchcli.guards.code_versions import SourceError
from benchcli.sampling.conversion import in_mode
from benchcli.sampling.example_inputs import inputs_of, set_seed
from benchcli.schema import Family, Variant
from benchcli.spelling import given

META = torch.device("meta")
LARGE = 2**24
"""Elements of a tensor above which it is made without memory from the start: 64 MB in float32."""
LACKS_VALUES = rf"\b{META.type}\b|incompatible tensor type"
"""What torch says where a tensor of the meta device is used as one with values; the second, where one is its `data`."""
Change = Callable[[torch.Tensor], torch.Tensor]


def load(variant: Variant, family: Family) -> tuple[torch.nn.Module, Inputs]:
    """Return a variant's network, with what it holds on the meta device, and its inputs on the CPU."""
    emptied = _once(_emptied)
    network = in_mode(_built(variant, emptied), trains=False)
    _replace(network, emptied)
    givers = (code_versions.find(variant.builder, variant.source), network)
    inputs = inputs_of(variant, family.batch_of(variant), 0, *givers)
    if any(each.is_nested for each in inputs.tensors()):
        raise SourceError(f"{given('meta')} cannot count nested tensors, whose lengths are values: leave it out")
    if any(map(is_lazy, network.parameters())):
        with META, torch.no_grad():
            inputs.mapped(lambda tensor: tensor.to(META)).bound_to(network)()
    return network, inputs


def _built(variant: Variant, emptied: Change) -> torch.nn.Module:
    """Build a network, emptying each tensor as it is registered; one that computes with its weights has them first."""
    set_seed(0)
    try:
        with _registered(emptied), _LargeOnMeta():  # type: ignore[no-untyped-call]
            return code_versions.build(variant)
    except Exception as error:  # torch says it in several ways that the values are not there
        if not re.search(LACKS_VALUES, str(error)):
            raise
    set_seed(0)
    return code_versions.build(variant)


@contextmanager
def faked(network: torch.nn.Module, inputs: Inputs, device: str) -> Iterator[Inputs]:
    """Yield fakes of the inputs, for a call of the network in the block, which has fakes of what it held.

    A fake tensor says that it is on a device, as the tensors do that a call makes. On the meta device
    they would not fit together, and torch would dispatch other operators. Raises SourceError where
    the block asks for the values of tensors.
    """
    from torch._subclasses.fake_tensor import (
        DataDependentOutputException,
        DynamicOutputShapeException,
        FakeTensorMode,
    )

    fake = _once(lambda like: torch.empty_strided(like.shape, like.stride(), dtype=like.dtype, device=device))
    mode: Any = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with mode:
            _replace(network, fake)
            yield inputs.mapped(fake)
    except (DataDependentOutputException, DynamicOutputShapeException) as error:
        raise SourceError(
            f"its call depends on the values of tensors ({error.func}), which {given('meta')} does not have: leave it "
            "out"
        ) from None


class _LargeOnMeta(Watch):  # type: ignore[no-untyped-call]
    """Makes large tensors on the meta device, before a module registers them; small ones may be computed with."""

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = dict(kwargs or {})
        makes = args and isinstance(args[0], list | torch.Size) and any(each.name == "device" for each in _names(func))
        if makes and math.prod(args[0]) > LARGE:
            kwargs["device"] = META
        return func(*args, **kwargs)


def _names(func: OpOverload) -> Sequence[Any]:
    return func._schema.arguments if isinstance(func, OpOverload) else ()


def _emptied(like: Any) -> torch.Tensor:
    if is_lazy(like):
        kind: Any = type(like)
        lazy: torch.Tensor = kind(device=META, dtype=like.data.dtype)
        return lazy
    return torch.empty_strided(like.shape, like.stride(), dtype=like.dtype, device=META)


def _once(make: Change) -> Change:
    """Return a function that makes one tensor for each that it is given, a parameter of a parameter."""
    made = WeakTensorKeyDictionary()

    def once(like: torch.Tensor) -> torch.Tensor:
        if like not in made:
            one = make(like)
            lacks = isinstance(like, torch.nn.Parameter) and not isinstance(one, torch.nn.Parameter)
            made[like] = torch.nn.Parameter(one, requires_grad=False) if lacks else one
        tensor: torch.Tensor = made[like]
        return tensor

    return once


@contextmanager
def _registered(change: Change) -> Iterator[None]:
    """Change each parameter when a module registers it, which is before the module fills it."""
    register = torch.nn.Module.register_parameter

    def changed(module: torch.nn.Module, name: str, parameter: Any) -> None:
        is_empty = parameter is None or parameter.is_meta
        register(module, name, parameter if is_empty else change(parameter))  # type: ignore[arg-type]

    torch.nn.Module.register_parameter = changed  # type: ignore[method-assign, assignment]
    try:
        yield
    finally:
        torch.nn.Module.register_parameter = register  # type: ignore[method-assign]


def _replace(network: torch.nn.Module, change: Change) -> None:
    """Change what a network holds."""
    for module in network.modules():
        for held in (module._parameters, module._buffers):
            for name, tensor in held.items():
                if tensor is not None:
                    held[name] = change(tensor)  # type: ignore[assignment]
