"""Note the calls of operators of a network as recipes, and make such calls again. Both run in a worker."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._ops import HigherOrderOperator

from benchcli.cost.inputs import Inputs
from benchcli.cost.storages import storage_of
from benchcli.cost.watching import Watch, beside_compiler, eager
from benchcli.schema import Costs
from benchcli.schema.recipes import (
    DTYPE,
    FLOAT32,
    NAMED,
    SHAPE,
    STRIDES,
    WEIGHT,
    OperatorList,
    OperatorRecipe,
    RepeatedOperator,
    merged,
)

NAMES = (torch.dtype, torch.memory_format, torch.layout)
"""The kinds of torch's constants among arguments."""


class RecipeError(Exception):
    """A call has no recipe, or a recipe cannot be followed."""


def operator_list(network: torch.nn.Module, inputs: Inputs, costs: Costs) -> OperatorList:
    """Return what a call of a network does, which has these costs. Raises what the call raises."""
    kept = {storage_of(each) for each in [*network.parameters(), *network.buffers()]}
    # Inference mode dispatches whole operators, such as conv2d, and takes them apart in C++.
    with torch.inference_mode(), eager(), beside_compiler(_Noting)(kept) as noting:
        inputs.bound_to(network)()
    return OperatorList(
        operators=merged(noting.operators),
        flops=costs.flops,
        mac_bytes=costs.mac_bytes,
        weight_bytes=costs.weight_bytes or 0,
        lacking=tuple(dict.fromkeys(noting.lacking)),
    )


class _Noting(Watch):
    """Notes each operator as torch dispatches it."""

    supports_higher_order_operators = True

    def __init__(self, kept: set[Any]) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._kept = kept
        self.operators: list[RepeatedOperator] = []
        self.lacking: list[str] = []

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        if isinstance(func, HigherOrderOperator):
            self.lacking.append(f"the higher-order operator {func}")
            return func(*args, **kwargs)
        if func.namespace == "prim":  # it asks what a tensor is, such as its device
            return func(*args, **kwargs)
        try:
            recipe = OperatorRecipe(str(func), tuple(map(self._described, args)), self._described(kwargs))
        except RecipeError:
            self.lacking.append(str(func))
        else:
            self.operators.append(RepeatedOperator(recipe))
        return func(*args, **kwargs)

    def _described(self, value: Any) -> Any:
        """Return an argument as JSON has it. Raises RecipeError if it has no such form."""
        if isinstance(value, torch.Tensor):
            return self._tensor(value)
        if value is None or isinstance(value, bool | int | float | str):
            return value
        if isinstance(value, list | tuple):
            return [self._described(each) for each in value]
        if isinstance(value, Mapping):
            return {name: self._described(each) for name, each in value.items()}
        if isinstance(value, NAMES):
            return {NAMED: str(value).removeprefix("torch.")}
        if isinstance(value, torch.device):
            return {NAMED: value.type}
        raise RecipeError(type(value).__name__)

    def _tensor(self, tensor: torch.Tensor) -> dict[str, Any]:
        if tensor.layout != torch.strided or tensor.is_quantized or tensor.is_nested:
            raise RecipeError(str(tensor.layout))
        found: dict[str, Any] = {SHAPE: list(tensor.shape)}
        if not tensor.is_contiguous():
            found[STRIDES] = list(tensor.stride())
        dtype = str(tensor.dtype).removeprefix("torch.")
        if dtype != FLOAT32:
            found[DTYPE] = dtype
        if storage_of(tensor) in self._kept:
            found[WEIGHT] = True
        return found


def operator_named(name: str) -> Callable[..., Any]:
    """Return torch's operator with a name, such as "aten.relu.default". Raises RecipeError if it has none."""
    parts = name.split(".")
    found: Any = torch.ops
    for part in parts:
        found = getattr(found, part, None) if part.isidentifier() else None
        if found is None:
            break
    if len(parts) != 3 or not isinstance(found, torch._ops.OpOverload):
        raise RecipeError(f"torch has no operator {name}")
    return found


def argument(described: Any, make: Callable[[Mapping[str, Any]], torch.Tensor]) -> Any:
    """Return the argument that a recipe describes. Raises RecipeError if it describes none."""
    if isinstance(described, list | tuple):
        return [argument(each, make) for each in described]
    if not isinstance(described, Mapping):
        return described
    if SHAPE in described:
        return make(described)
    name = described.get(NAMED)
    found = getattr(torch, name, None) if isinstance(name, str) else None
    if isinstance(found, NAMES):
        return found
    if name in ("cpu", "cuda", "mps"):
        return torch.device(name)
    raise RecipeError(f"{described} is no argument")
