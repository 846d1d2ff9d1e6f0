"""Configurations of the system's memory allocator, which affects times as much as the network does.

`docs/methodology.md` shows by how much.
"""

import platform
from collections.abc import Mapping
from dataclasses import dataclass

from benchcli.errors import unknown

GIB = 2**30


@dataclass(frozen=True)
class Allocator:
    """A configuration of the system's memory allocator."""

    name: str
    title: str
    variables: Mapping[str, str]


STEADY = Allocator(
    name="steady",
    title="glibc's malloc keeps freed memory, so that calls cause no page faults",
    variables={
        "MALLOC_MMAP_THRESHOLD_": str(64 * GIB),
        "MALLOC_TRIM_THRESHOLD_": str(64 * GIB),
        "MALLOC_TOP_PAD_": str(64 * 2**20),
        # Cache sets follow physical addresses, and huge pages make these less random.
        "GLIBC_TUNABLES": "glibc.malloc.hugetlb=1",
    },
)
SYSTEM = Allocator(name="system", title="the system's defaults, as most programs run", variables={})
ALLOCATORS = {allocator.name: allocator for allocator in (STEADY, SYSTEM)}


def allocator(name: str) -> Allocator:
    """Return the allocator with that name. Raises UserError that suggests the nearest name."""
    if name not in ALLOCATORS:
        raise unknown("allocator", name, ALLOCATORS)
    return ALLOCATORS[name]


def has_effect() -> bool:
    """Return whether this system's malloc reads the variables. Only glibc's does."""
    return platform.libc_ver()[0] == "glibc"
