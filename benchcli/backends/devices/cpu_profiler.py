"""A profiler for the CPU: it times each operator of a call as torch dispatches it.

The verbose modes of oneDNN and MKL name the kernels that an operator runs, with their times: among them
the time that a convolution spends inside on layout conversion.
"""

import ctypes
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

from benchcli.backends.devices.base import RanKernel, Trace, Tracer
from benchcli.backends.devices.verbose_lines import kernels_in
from benchcli.cost.operators import category, twin
from benchcli.schema import CATEGORIES, REORDER, TORCH, Category

if TYPE_CHECKING:
    import torch

VERBOSE_CALLS = 3


class Span(NamedTuple):
    """An operator of torch that ran."""

    operator: str
    """Such as "relu"."""
    category: Category
    seconds: float


def tracer(call: Callable[[], "torch.Tensor"]) -> Tracer:
    """Return a tracer that times each operator of a call."""
    reorders = _reorders(call)

    def traced() -> Trace:
        with recording() as spans:
            start = perf_counter()
            call()
            traced_s = perf_counter() - start
        parts = dict.fromkeys(CATEGORIES, 0.0)
        for number, span in enumerate(spans):
            reorder_s = min(span.seconds, reorders.get(number, 0.0))
            parts[span.category] += span.seconds - reorder_s
            parts["data"] += reorder_s
        bounded = (min(spans[number].seconds, seconds) for number, seconds in reorders.items() if number < len(spans))
        return Trace(traced_s, parts, sum(bounded))

    return traced


@contextmanager
def recording(after: Callable[[], None] | None = None) -> Iterator[list[Span]]:
    """Yield a list that receives each operator as it runs.

    `after` is called after each operator, untimed.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    clock = perf_counter
    spans: list[Span] = []

    class Recording(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            start = clock()
            result = func(*args, **(kwargs or {}))
            span_s = clock() - start
            name = twin(func.overloadpacket.__name__)
            shapes = [arg.shape for arg in args[:3] if isinstance(arg, torch.Tensor)]
            spans.append(Span(name, category(name, shapes, torch.Tag.pointwise in func.tags), span_s))
            if after:
                after()
            return result

    with Recording():  # type: ignore[no-untyped-call]
        yield spans


def kernels_of(call: Callable[[], object]) -> list[RanKernel]:
    """Return the kernels of oneDNN and MKL in one call, and after those of each operator what torch did besides.

    The operators' times are of another call, in which nothing is printed.
    """
    kernels = _heard(call)
    with recording() as spans:
        call()
    ran: list[RanKernel] = []
    for number, span in enumerate(spans):
        own = kernels.get(number, [])
        ran += [*own, RanKernel(span.operator, TORCH, max(0.0, span.seconds - sum(each.seconds for each in own)))]
    return ran


def _reorders(call: Callable[[], "torch.Tensor"]) -> dict[int, float]:
    """Return the seconds that oneDNN spends on reorders, by the number of the operator in a call.

    Each is the median of VERBOSE_CALLS calls.
    """
    import torch

    if not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return {}
    calls = [_reorders_in_one_call(call) for _ in range(VERBOSE_CALLS)]
    return {number: median(each.get(number, 0.0) for each in calls) for number in set().union(*calls)}


def _reorders_in_one_call(call: Callable[[], "torch.Tensor"]) -> dict[int, float]:
    """Return the reorder seconds by operator number, from oneDNN's verbose output of one call."""
    kernels = _heard(call)
    reorders = {number: sum(each.seconds for each in of if each.work == REORDER) for number, of in kernels.items()}
    return {number: seconds for number, seconds in reorders.items() if seconds}


def _heard(call: Callable[[], object]) -> dict[int, list[RanKernel]]:
    """Return the kernels of libraries that each operator of one call ran, by its number."""
    kernels: dict[int, list[RanKernel]] = {}
    number = 0
    with _verbose() as read:

        def hear() -> None:
            nonlocal number
            if found := list(kernels_in(read())):
                kernels[number] = found
            number += 1

        with recording(hear):
            call()
    return kernels


@contextmanager
def _verbose() -> Iterator[Callable[[], str]]:
    """Let the libraries print the kernels that they run; yield a function that reads what they have printed since."""
    import torch

    if os.name == "nt":  # there is no C library whose stdout could be flushed
        yield lambda: ""
        return
    with _stdout_of_libraries() as read, ExitStack() as modes:
        for library in (torch.backends.mkldnn, torch.backends.mkl):
            if library.is_available():
                modes.enter_context(library.verbose(library.VERBOSE_ON))
        yield read


@contextmanager
def _stdout_of_libraries() -> Iterator[Callable[[], str]]:
    """Capture the standard output of C code; yield a function that reads the new text.

    Each call of the function returns the text since the call before.
    """
    flush = ctypes.CDLL(None).fflush
    stdout, position = os.dup(1), 0
    with tempfile.TemporaryFile() as file:
        flush(None)
        os.dup2(file.fileno(), 1)

        def read() -> str:
            nonlocal position
            flush(None)
            piece = os.pread(file.fileno(), 1 << 22, position)
            position += len(piece)
            return piece.decode("utf-8", "replace")

        try:
            yield read
        finally:
            flush(None)
            os.dup2(stdout, 1)
            os.close(stdout)
