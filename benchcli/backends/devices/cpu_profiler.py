"""Where a call's time goes on the CPU: each operator is timed as it is dispatched.

What oneDNN does inside of a convolution, bringing data into a layout of its own and back, it tells itself in its
verbose mode.
"""

import ctypes
import os
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from statistics import median
from typing import TYPE_CHECKING, Any

from benchcli.backends.devices.base import Trace, Tracer
from benchcli.costs.operators import category, twin
from benchcli.schema import CATEGORIES, Category

if TYPE_CHECKING:
    import torch

VERBOSE_CALLS = 3
REORDER = "exec,cpu,reorder,"
"""In a line of oneDNN's verbose mode, whose last cell is the time in ms."""


def tracer(call: Callable[[], "torch.Tensor"]) -> Tracer:
    """Return what traces a call operator by operator."""
    reorders = _reorders(call)

    def traced() -> Trace:
        with recording() as spans:
            start = time.perf_counter()
            call()
            traced_s = time.perf_counter() - start
        parts = dict.fromkeys(CATEGORIES, 0.0)
        for number, (of, span_s) in enumerate(spans):
            hidden_s = min(span_s, reorders.get(number, 0.0))
            parts[of] += span_s - hidden_s
            parts["data"] += hidden_s
        hidden = (min(spans[number][1], seconds) for number, seconds in reorders.items() if number < len(spans))
        return Trace(traced_s, parts, sum(hidden))

    return traced


@contextmanager
def recording(after: Callable[[], None] | None = None) -> Iterator[list[tuple[Category, float]]]:
    """Yield a list that gets each operator's category and seconds as it runs; `after` is called after each."""
    import torch
    from torch.utils._python_dispatch import TorchDispatchMode

    clock = time.perf_counter
    spans: list[tuple[Category, float]] = []

    class Recording(TorchDispatchMode):  # type: ignore[no-untyped-call]
        def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
            start = clock()
            result = func(*args, **(kwargs or {}))
            span_s = clock() - start
            name = twin(func.overloadpacket.__name__)
            shapes = [arg.shape for arg in args[:2] if isinstance(arg, torch.Tensor)]
            spans.append((category(name, shapes, torch.Tag.pointwise in func.tags), span_s))
            if after:
                after()
            return result

    with Recording():  # type: ignore[no-untyped-call]
        yield spans


def _reorders(call: Callable[[], "torch.Tensor"]) -> dict[int, float]:
    """Return the seconds that oneDNN spends on reorders in each operator of a call, by its number."""
    import torch

    if os.name == "nt" or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return {}
    calls = [_told_reorders(call) for _ in range(VERBOSE_CALLS)]
    return {number: median(each.get(number, 0.0) for each in calls) for number in set().union(*calls)}


def _told_reorders(call: Callable[[], "torch.Tensor"]) -> dict[int, float]:
    """Return them for one call in oneDNN's verbose mode."""
    import torch

    found: dict[int, float] = {}
    mkldnn = torch.backends.mkldnn
    with _stdout_of_libraries() as read, mkldnn.verbose(mkldnn.VERBOSE_ON):  # type: ignore[no-untyped-call]
        number = 0

        def note() -> None:
            nonlocal number
            seconds = sum(_milliseconds(line) for line in read().splitlines() if REORDER in line) / 1e3
            if seconds:
                found[number] = seconds
            number += 1

        with recording(note):
            call()
    return found


def _milliseconds(line: str) -> float:
    try:
        return float(line.rpartition(",")[2])
    except ValueError:
        return 0.0


@contextmanager
def _stdout_of_libraries() -> Iterator[Callable[[], str]]:
    """Yield what reads, piece by piece, what C code writes to the standard output in the meantime."""
    flush = ctypes.CDLL(None).fflush
    kept, place = os.dup(1), 0
    with tempfile.TemporaryFile() as file:
        flush(None)
        os.dup2(file.fileno(), 1)

        def read() -> str:
            nonlocal place
            flush(None)
            piece = os.pread(file.fileno(), 1 << 22, place)
            place += len(piece)
            return piece.decode("utf-8", "replace")

        try:
            yield read
        finally:
            flush(None)
            os.dup2(kept, 1)
            os.close(kept)
