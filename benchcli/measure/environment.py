"""Build a worker's environment variables: a list of inherited ones, and those that the run sets.

The allocator affects times as much as the network does (`docs/methodology.md`).
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
    """Return a worker's environment variables.

    A worker inherits no variable that `NEEDED` and `NEEDED_PREFIXES` do not name.
    """
    source = os.environ if inherited is None else inherited
    kept = {name: value for name, value in source.items() if name in NEEDED or name.startswith(NEEDED_PREFIXES)}
    threads = dict.fromkeys(THREAD_VARIABLES, str(target.threads))
    return {**kept, **threads, **allocator(target.allocator).variables}


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
