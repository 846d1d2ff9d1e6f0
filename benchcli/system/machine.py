"""Facts about this machine, with a digest of those that make two records comparable."""

import hashlib
import json
import math
import os
import platform
import re
import socket
import time
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path

import psutil

from benchcli.schema.environment import Machine
from benchcli.system.procfs import lines, quota_cores

SYSTEM = Path("/sys/devices/system")
SIMD = ("sse4", "avx", "fma", "amx", "f16c", "asimd", "neon", "sve", "bf16", "i8mm")


def machine() -> Machine:
    """Return the facts about this machine that need no torch."""
    return Machine(
        host=host(),
        cpu=cpu_model(),
        architecture=platform.machine(),
        cores=usable_cores(),
        cpu_quota=quota_cores(),
        simd=tuple(simd()),
        caches=caches(),
        numa_nodes=len(list(SYSTEM.glob("node/node[0-9]*"))) or None,
        threads_per_core=threads_per_core(),
        memory_bytes=memory_bytes(),
        huge_pages=chosen("/sys/kernel/mm/transparent_hugepage/enabled"),
        governor=first_line(SYSTEM / "cpu/cpu0/cpufreq/scaling_governor"),
        turbo=turbo(),
        system=system(),
        virtualised=virtualised(),
    )


def simd() -> list[str]:
    """Return the processor's vector extensions, as Linux reports them."""
    for line in lines("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() in {"flags", "Features"}:
            return [flag for flag in value.split() if flag.startswith(SIMD)]
    return []


def threads_per_core() -> int | None:
    """Return how many hardware threads share a core, or None if unknown."""
    siblings = first_line(SYSTEM / "cpu/cpu0/topology/thread_siblings_list")
    return _numbers_in(siblings) if siblings else None


def _numbers_in(text: str) -> int:
    """Return how many numbers are in a list such as "0-3,8"."""
    return sum(int(part.split("-")[-1]) - int(part.split("-")[0]) + 1 for part in text.split(","))


def turbo() -> bool | None:
    """Return whether the clock may exceed its nominal frequency, or None if unknown."""
    boost = first_line(SYSTEM / "cpu/cpufreq/boost")
    no_turbo = first_line(SYSTEM / "cpu/intel_pstate/no_turbo")
    return boost == "1" if boost is not None else no_turbo == "0" if no_turbo is not None else None


def memory_bytes() -> int | None:
    """Return the memory of the machine in bytes, or None if unknown."""
    try:
        return int(psutil.virtual_memory().total)
    except (OSError, RuntimeError, ValueError):  # No /proc.
        return None


def chosen(path: str) -> str | None:
    """Return the selected word, in brackets, of a file such as "always [madvise] never"."""
    match = re.search(r"\[(\w+)\]", first_line(path) or "")
    return match[1] if match else None


def first_line(path: str | Path) -> str | None:
    """Return a file's first line, or None if it cannot be read."""
    return next((line.strip() for line in lines(path)), None)


def digest(machine: Machine, *others: Mapping[str, object]) -> str:
    """Return 12 hexadecimal digits that identify the facts that affect measured times.

    They are the machine's identity and `others`: versions, device and settings. The host's name,
    load and memory size are not among them.
    """
    text = json.dumps([machine.identity, *(dict(other) for other in others)], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def host() -> str:
    """Return this machine's name in characters that are valid in a file name."""
    name = socket.gethostname().split(".")[0].lower()
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name) or "host"


def system() -> str:
    """Return the operating system and its release."""
    return f"{platform.system()} {platform.release()}"


def cpu_model() -> str:
    """Return the processor's name as the system reports it."""
    for line in lines("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "cpu model"} and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the number of cores that this process may use, limited by a container's quota."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = quota_cores()
    return max(1, min(allowed, int(quota))) if quota else allowed


def caches() -> dict[str, str]:
    """Return the sizes of the first core's caches by level: {"L2": "1024K"}; empty if unknown."""
    letters = {"Instruction": "i", "Data": "d"}
    return {f"L{level}{letters.get(kind, '')}": size for level, kind, size, _ in _caches()}


def cache_levels(threads: int) -> dict[str, int]:
    """Return the bytes of data that each level of caches holds for threads on cores of their own, the smallest first.

    A cache that cores do not share counts once for each thread. Empty if Linux does not report them.
    """
    levels = {}
    for level, kind, size, shared in _caches():
        if kind != "Instruction" and (held := cache_bytes(size)):
            cores = max(1, _numbers_in(shared) // (threads_per_core() or 1)) if shared else 1
            levels[f"L{level}"] = held * math.ceil(threads / cores)
    return levels


def last_cache_bytes() -> int | None:
    """Return the size of the last-level cache, or None if Linux does not report it."""
    return max(filter(None, map(cache_bytes, caches().values())), default=None)


def _caches() -> Iterator[tuple[str, str, str, str]]:
    """Yield the level, kind, size and sharing processors of each of the first core's caches."""
    for folder in sorted((SYSTEM / "cpu/cpu0/cache").glob("index*")):
        level, kind, size, shared = (
            next(iter(lines(folder / name)), "").strip() for name in ("level", "type", "size", "shared_cpu_list")
        )
        if size:
            yield level, kind, size, shared


def cache_bytes(size: str) -> int | None:
    """Return the bytes of a size such as "1024K"."""
    units = {"K": 2**10, "M": 2**20, "G": 2**30}
    return int(size[:-1]) * units[size[-1]] if size[:-1].isdecimal() and size[-1] in units else None


def virtualised() -> bool | None:
    """Return whether this is a virtual machine, or None if unknown."""
    flags = [line for line in lines("/proc/cpuinfo") if line.startswith("flags")]
    return "hypervisor" in flags[0].split() if flags else None


READS = 2000


def clock_steps(reads: int = READS) -> tuple[float, int]:
    """Return the smallest observed forward step of the clock, in seconds, and the backward steps.

    The resolution that the system reports is the unit of the clock's number, not its step: a clock
    with a reported resolution of 1 ns may advance by 50 ns or by a millisecond.
    """
    steps = [later - earlier for earlier, later in pairwise([time.perf_counter_ns() for _ in range(reads)])]
    forward = [step for step in steps if step > 0]
    return (min(forward) / 1e9 if forward else float("inf")), sum(step < 0 for step in steps)
