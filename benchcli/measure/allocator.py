"""The workers' memory allocator, which decides times as much as networks do (`docs/methodology.md`)."""

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from benchcli.errors import unknown

GIB = 2**30


@dataclass(frozen=True)
class Allocator:
    """One way to run the system's allocator."""

    name: str
    title: str
    variables: Mapping[str, str]


STEADY = Allocator(
    name="steady",
    title="glibc's malloc told to keep memory: no activation is mapped and faulted in afresh at each call",
    variables={
        "MALLOC_MMAP_THRESHOLD_": str(64 * GIB),
        "MALLOC_TRIM_THRESHOLD_": str(64 * GIB),
        "MALLOC_TOP_PAD_": str(64 * 2**20),
        # Caches are filled by physical address, and huge pages leave less of it to chance.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    },
)
SYSTEM = Allocator(name="system", title="the system's defaults, as most programs run", variables={})
ALLOCATORS = {allocator.name: allocator for allocator in (STEADY, SYSTEM)}


def allocator(name: str) -> Allocator:
    """Return the allocator of that name. Raises UserError with the nearest."""
    if name not in ALLOCATORS:
        raise unknown("allocator", name, ALLOCATORS)
    return ALLOCATORS[name]


def has_effect() -> bool:
    """Say whether this system's malloc reads the variables: glibc's does, others ignore them."""
    return platform.libc_ver()[0] == "glibc"
