"""Run higher-order operators, whose arguments are functions, so that the operators in these functions are seen.

torch dispatches such an operator whole. What it calls depends on values: a branch, or the number of
iterations. The kernels of torch refuse to run while operators are watched, or run unwatched.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch._ops import HigherOrderOperator

EXPLICIT = torch._C.DispatchKey.CompositeExplicitAutograd
"""The key under which torch keeps the kernels that call the functions."""
Run = Callable[..., Any]


def runner(operator: HigherOrderOperator) -> Run | None:
    """Return what runs an operator by calling its functions; None if that is not known of it."""
    name = operator.name()  # type: ignore[no-untyped-call]
    if name in _RUNS:
        return _RUNS[name]
    kernel: Run | None = operator.py_kernels.get(EXPLICIT) if name in _WATCHED else None
    return kernel


_WATCHED = frozenset({"associative_scan", "flex_attention", "map_impl", "while_loop", "while_loop_stack_output"})
"""Those whose kernels of torch call their functions and can be watched."""


def _cond(condition: Any, true: Run, false: Run, operands: Any = ()) -> Any:
    return true(*operands) if condition else false(*operands)


@contextmanager
def called_branches() -> Iterator[None]:
    """Let `torch.cond` call its branch as Python does, during the block.

    torch would compile both branches, of which no gradient comes back where operators are watched.
    """
    before = torch.cond
    torch.cond = _cond  # type: ignore[assignment]
    try:
        yield
    finally:
        torch.cond = before


def _scan(combine: Run, init: Any, xs: Any, additional_inputs: Any = ()) -> Any:
    from torch._higher_order_ops.scan import generic_scan

    return generic_scan(combine, init, xs, additional_inputs=additional_inputs)  # type: ignore[no-untyped-call]


def _subgraph(graph: Run, _identifier: object, *operands: Any) -> Any:
    return graph(list(operands)) if getattr(graph, "_boxed_call", False) else graph(*operands)


_RUNS: dict[str, Run] = {"cond": _cond, "scan": _scan, "invoke_subgraph": _subgraph}
"""Those whose kernels of torch refuse to be watched."""
