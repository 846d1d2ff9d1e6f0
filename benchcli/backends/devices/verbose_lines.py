"""Read what oneDNN and MKL print of the kernels that they run."""

import re
from collections.abc import Iterator

from benchcli.backends.devices.base import RanKernel

ONEDNN = re.compile(r"(?:onednn|dnnl)_verbose,(?:.*,)?(?<!graph,)exec,[^,]*,([^,]+),([^,]+),.*,([\d.e+-]+)\s*$")
"""A primitive that ran: versions before 3.0 name no format, later ones may print the time of day first.

The first cells are the engine, the primitive and its implementation, the last one is the time in ms. Lines of
whole graphs hold other cells.
"""
MKL = re.compile(r"MKL_VERBOSE ([A-Z]\w*)\(.*\) ([\d.]+)(ns|us|ms|s)\b")
"""A routine that ran, with its arguments and its time."""
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1.0}


def kernels_in(text: str) -> Iterator[RanKernel]:
    """Yield the kernels that ran, in their order; other lines, and lines that were cut short, are left out."""
    for line in text.splitlines():
        if primitive := ONEDNN.search(line):
            yield RanKernel(primitive[1], primitive[2], _number(primitive[3]) / 1e3)
        elif routine := MKL.search(line):
            yield RanKernel(routine[1].lower(), "mkl", _number(routine[2]) * UNITS[routine[3]])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0
