"""Place networks and layers on the roofline of the machine (Williams, Waterman and Patterson, CACM 2009)."""

from dataclasses import dataclass
from typing import Literal

from benchcli.schema.roofs import Roofs

Bound = Literal["compute", "memory", "overhead", "neither"]
FAR = 1 / 3
"""The share of the roof below which neither arithmetic nor bytes take most of the time."""


@dataclass(frozen=True)
class Placement:
    """The place of some work on the roofline."""

    intensity: float
    """Arithmetic intensity: multiply-adds per byte of unfused memory access."""
    achieved: float
    """The share of the roof at this intensity that it reaches.

    The roof is the peak of the dtype, or bandwidth times intensity if that is less. Without multiply-adds it
    is the share of the bandwidth. Above 1: it moves less than its unfused memory access, as fused kernels
    do, or computes less than its multiply-adds, as minimal filtering does.
    """
    bound: Bound
    """The largest term of the model: what limits the work; "neither" if it is arithmetic or bytes, and reaches
    less than FAR of the roof: then a slow kernel does, or something that the model does not know.
    """
    model_s: float
    """Seconds by the additive model: multiply-adds / peak + bytes / bandwidth + operators x time to dispatch one."""


def place(
    flops: int,
    mac_bytes: int,
    operators: int | None,
    seconds: float,
    roofs: Roofs,
    dtype: str = "float32",
    working_set: float | None = None,
) -> Placement | None:
    """Return the place of work that takes `seconds`; None if there is no work, no time, or no peak of the dtype.

    `flops` are multiply-adds, `mac_bytes` the unfused memory access of `operators` operators. None of these,
    as in a runtime that dispatches no operators of torch, leaves the overhead out. The bandwidth is the
    largest (of read, copy and triad) of the smallest level that holds the working set. By default that is
    the mean number of bytes of an operator, since operators mostly read what the one before has just
    written: the roof is what the operators could reach at most. `math.inf` stands for the memory, as with
    cold caches.
    """
    peak = roofs.peak(dtype)
    if peak is None or seconds <= 0 or not (flops or mac_bytes):
        return None
    if working_set is None:
        working_set = mac_bytes / max(1, operators or 1)
    terms: dict[Bound, float] = {
        "compute": flops / peak,
        "memory": mac_bytes / roofs.bandwidth(working_set),
        "overhead": (operators or 0) * roofs.dispatch_s,
    }
    largest, achieved = max(terms, key=lambda term: terms[term]), max(terms["compute"], terms["memory"]) / seconds
    return Placement(
        intensity=flops / max(1, mac_bytes),
        achieved=achieved,
        bound="neither" if largest != "overhead" and achieved < FAR else largest,
        model_s=sum(terms.values()),
    )
