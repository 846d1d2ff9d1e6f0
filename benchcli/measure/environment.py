"""The environment of a measured process, built from nothing: what it needs by name, and what the run sets.

The allocator decides times as much as networks do (`docs/methodology.md`).
"""

import os
import platform
from collections.abc import Mapping
from dataclasses import dataclass

from benchcli.errors import unknown
from benchcli.schema import Target

NEEDED = (
    "HOME",
    "LANG",
    "LC_ALL",
    "LD_LIBRARY_PATH",
    "DYLD_LIBRARY_PATH",
    "PATH",
    "PYTHONDONTWRITEBYTECODE",
    "PYTHONHOME",
    "PYTHONPATH",
    "SYSTEMROOT",
    "TEMP",
    "TMP",
    "TMPDIR",
    "USERPROFILE",
    "VIRTUAL_ENV",
)
NEEDED_PREFIXES = ("CUDA_", "NVIDIA_", "HIP_", "HSA_", "ROCR_", "PYTORCH_")
THREAD_VARIABLES = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")


def worker_environment(target: Target, inherited: Mapping[str, str] | None = None) -> dict[str, str]:
    """Return the variables of a worker's environment: nothing else of this process's reaches it."""
    source = os.environ if inherited is None else inherited
    kept = {name: value for name, value in source.items() if name in NEEDED or name.startswith(NEEDED_PREFIXES)}
    threads = dict.fromkeys(THREAD_VARIABLES, str(target.threads))
    return {**kept, **threads, **allocator(target.allocator).variables}


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
