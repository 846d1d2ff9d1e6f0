"""Find out whether each call of head leaves more memory behind than one of base."""

from collections.abc import Mapping, Sequence
from mmap import PAGESIZE
from statistics import median

from benchcli.checks.pairs import CONTROL
from benchcli.checks.versions import BASE, HEAD
from benchcli.schema import Conditions, Sample

LEAST_LAUNCHES = 3
LEAST_BYTES = 256 * 1024
"""The least growth during the samples of a launch. An allocator now and then touches a new page."""


def growth(samples: Mapping[str, Sequence[Sample]], conditions: Sequence[Conditions]) -> float | None:
    """Return the bytes by which a call of head lets its process grow more than a call of base does; None for none.

    A page that a process uses for the first time is a page fault, and faults are known of each sample. Not every
    fault is growth: so the process must have grown by as much. Every launch must show it.
    """
    grown = {each.launch: each.grown_bytes for each in conditions if each.grown_bytes is not None}
    touched = {side: _touched(samples.get(side, ())) for side in (BASE, CONTROL, HEAD)}
    calls = {launch: sum(each.calls for each in samples[HEAD] if each.launch == launch) for launch in touched[HEAD]}
    excess = {
        launch: min(
            grown.get(launch, 0), of_head - max(touched[BASE].get(launch, 0.0), touched[CONTROL].get(launch, 0.0))
        )
        for launch, of_head in touched[HEAD].items()
    }
    if len(excess) < LEAST_LAUNCHES or min(excess.values()) < LEAST_BYTES:
        return None
    return median(each / calls[launch] for launch, each in excess.items())


def _touched(samples: Sequence[Sample]) -> dict[int, float]:
    """Return the bytes of the pages that were used for the first time in timed calls, by launch."""
    of_launch: dict[int, float] = {}
    for each in samples:
        if each.faults is not None:
            touched = each.faults * each.calls * PAGESIZE
            of_launch[each.launch] = of_launch.get(each.launch, 0.0) + touched
    return of_launch
