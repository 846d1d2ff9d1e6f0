"""A profiler for the CPU: it times each operator of a call as torch dispatches it.

oneDNN's verbose mode reports the time that a convolution spends inside on layout conversion.
"""

import ctypes
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from time import perf_counter
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices.base import Trace, Tracer
from benchcli.cost.operators import category, twin
from benchcli.schema import CATEGORIES, Category

if TYPE_CHECKING:
    import torch

VERBOSE_CALLS = 3
REORDER = "exec,cpu,reorder,"
"""Marks a reorder in oneDNN's verbose output; the last cell of the line is the time in ms."""


def tracer(call: Callable[[], "torch.Tensor"]) -> Tracer:
    """Return a tracer that times each operator of a call."""
    reorders = _reorders(call)

    def traced() -> Trace:
        with recording() as spans:
            start = perf_counter()
            call()
            traced_s = perf_counter() - start
        parts = dict.fromkeys(CATEGORIES, 0.0)
        for number, (operator_category, span_s) in enumerate(spans):
            reorder_s = min(span_s, reorders.get(number, 0.0))
            parts[operator_category] += span_s - reorder_s
            parts["data"] += reorder_s
        bounded = (min(spans[number][1], seconds) for number, seconds in reorders.items() if number < len(spans))
        return Trace(traced_s, parts, sum(bounded))

    return traced


@contextmanager
def recording(after: Callable[[], None] | None = None) -> Iterator[list[tuple[Category, float]]]:
    """Yield a list that receives the category and seconds of each operator as it runs.

    `after` is called after each operator, untimed.
    """
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    clock = perf_counter
    spans: list[tuple[Category, float]] = []

    class Recording(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            start = clock()
            result = func(*args, **(kwargs or {}))
            span_s = clock() - start
            name = twin(func.overloadpacket.__name__)
            shapes = [arg.shape for arg in args[:3] if isinstance(arg, torch.Tensor)]
            spans.append((category(name, shapes, torch.Tag.pointwise in func.tags), span_s))
            if after:
                after()
            return result

    with Recording():  # type: ignore[no-untyped-call]
        yield spans


def _reorders(call: Callable[[], "torch.Tensor"]) -> dict[int, float]:
    """Return the seconds that oneDNN spends on reorders, by the number of the operator in a call.

    Each is the median of VERBOSE_CALLS calls.
    """
    import torch

    if os.name == "nt" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return {}
    calls = [_reorders_in_one_call(call) for _ in range(VERBOSE_CALLS)]
    return {number: median(each.get(number, 0.0) for each in calls) for number in set().union(*calls)}


def _reorders_in_one_call(call: Callable[[], "torch.Tensor"]) -> dict[int, float]:
    """Return the reorder seconds by operator number, from oneDNN's verbose output of one call."""
    import torch

    reorders: dict[int, float] = {}
    mkldnn = torch.backends.mkldnn
    with _stdout_of_libraries() as read, mkldnn.verbose(mkldnn.VERBOSE_ON):  # type: ignore[no-untyped-call]
        number = 0

        def read_reorders() -> None:
            nonlocal number
            seconds = sum(_milliseconds(line) for line in read().splitlines() if REORDER in line) / 1e3
            if seconds:
                reorders[number] = seconds
            number += 1

        with recording(read_reorders):
            call()
    return reorders


def _milliseconds(line: str) -> float:
    try:
        return float(line.rpartition(",")[2])
    except ValueError:
        return 0.0


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
