"""Count denormal numbers among the values that a call computes: many processors take much longer for them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import torch
from torch._ops import OpOverload

from benchcli.cost.inputs import tensors
from benchcli.cost.watching import Watch, beside_compiler, eager, forget_compiled, is_compiler_loaded

LOOKED_AT = 1 << 12
"""The most values of a tensor that are looked at, evenly spread over it."""
MULTIPLIED = 1 << 6
"""The most values of an operand of a matrix product or convolution that are multiplied with each of the other's."""
LEAST_SHARE = 1e-3
"""The least share of denormal numbers for a warning: one slows the whole vector of values that it is computed in."""
SLOWING = (torch.float32, torch.float64, torch.bfloat16)
"""The dtypes that processors compute in with denormal numbers; float16 is widened first, and they are none then."""
OPERANDS: Mapping[str, tuple[int, int]] = {
    **dict.fromkeys(("mm", "bmm", "mv", "dot", "matmul", "linear", "convolution", "mkldnn_convolution"), (0, 1)),
    **dict.fromkeys(("addmm", "baddbmm", "addmv", "addbmm"), (1, 2)),
}
"""The places of the multiplied operands. Products may be denormal where what they add up to is zero."""


def counted(call: Callable[[], object]) -> tuple[object, float]:
    """Return what a call returns, and the share of denormal numbers among the values that it computes, zeros apart.

    Of an operator it is the share of its results, or that of the products that they are sums of, if that is larger.

    A call that cannot be looked into is made without, and has no share.
    """
    before = is_compiler_loaded()
    try:
        return _counted(call)
    except Exception:  # a network may not run in a mode, and may raise anything of its own
        if before or not is_compiler_loaded():
            return call(), 0.0
    forget_compiled()  # the call has loaded the compiler, which tried to compile the mode
    try:
        return _counted(call)
    except Exception:
        return call(), 0.0


def _counted(call: Callable[[], object]) -> tuple[object, float]:
    mode = beside_compiler(_Counting)()
    with eager(), mode:
        result = call()
    return result, mode.denormal / mode.values if mode.values else 0.0


class _Counting(Watch):
    """Counts the values that operators compute, and the denormal ones among them."""

    supports_higher_order_operators = True

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.values = 0.0
        self.denormal = 0.0

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        result = func(*args, **(kwargs or {}))
        if isinstance(func, OpOverload) and not func.is_view:
            products = _products(args, OPERANDS.get(func.overloadpacket.__name__, ()))
            for each in tensors(result):
                self._look_at(each, products)
        return result

    def _look_at(self, tensor: torch.Tensor, products: torch.Tensor | None) -> None:
        several = [each for each in (_spread(tensor, LOOKED_AT), products) if each is not None and each.numel()]
        if several:
            tiny = torch.finfo(tensor.dtype).tiny
            self.values += tensor.numel()
            self.denormal += tensor.numel() * max(float((each < tiny).double().mean()) for each in several)


def _products(args: Sequence[Any], places: Sequence[int]) -> torch.Tensor | None:
    """Return magnitudes of products of two operands' values; None if the operator multiplies none."""
    spread = [_spread(args[place], MULTIPLIED) for place in places if place < len(args)]
    one, other = spread if len(spread) == 2 else (None, None)
    return None if one is None or other is None else torch.outer(one, other)


def _spread(tensor: torch.Tensor, most: int) -> torch.Tensor | None:
    """Return the magnitudes of some values that are not zero; None if its kind of tensor has none that are slow."""
    if tensor.dtype not in SLOWING or tensor.layout != torch.strided:
        return None
    values = tensor.detach()
    for dim, size in sorted(enumerate(tensor.shape), key=lambda each: -each[1]):
        step = min(size, -(-values.numel() // most))
        if step > 1:
            values = values[(slice(None),) * dim + (slice(None, None, step | 1),)]  # odd: channels often alternate
    values = values.flatten()
    return values[values != 0].abs().double()
