"""Find out whether each call of head leaves more memory behind than one of base."""

from collections.abc import Mapping, Sequence

from benchcli.checks.pairs import CONTROL
from benchcli.checks.versions import BASE, HEAD
from benchcli.schema import Conditions, Sample

LEAST_LAUNCHES = 3
LEAST_FAULTS = 2.0
"""The least page faults by which head must exceed base in a launch. An allocator now and then touches a new page."""
LEAST_BYTES = 256 * 1024
"""The least growth of the process during a launch's samples."""


def growth(samples: Mapping[str, Sequence[Sample]], conditions: Sequence[Conditions]) -> float | None:
    """Return the bytes that a call of head leaves behind and one of base does not; None for none.

    How much a process grew is known of its launch. A page that is used for the first time is a page fault, which
    is known of each sample, but may be of 4 KiB or 2 MiB: so the faults tell which version the growth is of. Every
    launch must show it; the least counts, because calls of samples that were repeated leave memory behind too.
    """
    grown = {each.launch: each.grown_bytes for each in conditions if each.grown_bytes is not None}
    faults = {side: _faults(samples.get(side, ())) for side in (BASE, CONTROL, HEAD)}
    left: list[float] = []
    for launch, of_head in faults[HEAD].items():
        of_base = [faults[side].get(launch, 0.0) for side in (BASE, CONTROL)]
        excess, bytes_ = of_head - max(of_base), grown.get(launch, 0)
        if excess < LEAST_FAULTS or bytes_ < LEAST_BYTES:
            return None
        calls = sum(each.calls for each in samples[HEAD] if each.launch == launch)
        left.append(bytes_ * excess / (of_head + sum(of_base)) / calls)
    return min(left) if len(left) >= LEAST_LAUNCHES else None


def _faults(samples: Sequence[Sample]) -> dict[int, float]:
    """Return the page faults in timed calls, by launch."""
    of_launch: dict[int, float] = {}
    for each in samples:
        if each.faults is not None:
            of_launch[each.launch] = of_launch.get(each.launch, 0.0) + each.faults * each.calls
    return of_launch
