"""Read the processor's own counters of instructions and cache misses, where Linux permits it (perf_event_open)."""

import ctypes
import errno
import os
import platform
import struct
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from benchcli.schema import HardwareCounts, Uncounted

CALLS: Mapping[str, int] = {"x86_64": 298, "aarch64": 241, "riscv64": 241}
"""The number of the system call by architecture."""
EVENTS: Mapping[str, int] = {"cycles": 0, "instructions": 1, "cache_misses": 3}
"""Numbers of linux/perf_event.h, of the type PERF_TYPE_HARDWARE."""
HARDWARE = 0
SIZE = 64
"""Of the first version of the attributes, which every kernel takes."""
ONLY_USER = 1 << 5 | 1 << 6
"""Leaves the kernel and a hypervisor out, as an unprivileged user has to."""
ABSENT = (errno.ENOENT, errno.ENODEV, errno.EOPNOTSUPP, errno.ENOSYS)
Open = Callable[[int, int, int], int]
"""Opens a counter of a type and a number for a thread. Raises OSError."""


def open_counter(kind: int, number: int, thread: int) -> int:
    """Return a descriptor that counts an event in a thread from now on. Raises OSError."""
    call = CALLS.get(platform.machine())
    if platform.system() != "Linux" or call is None:
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
    attributes = struct.pack("=IIQQQQQ", kind, SIZE, number, 0, 0, 0, ONLY_USER).ljust(SIZE, b"\0")
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = int(libc.syscall(call, ctypes.c_char_p(attributes), thread, -1, -1, 0))
    if descriptor < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return descriptor


def counted(
    call: Callable[[], object], calls: int, open_: Open = open_counter, events: Mapping[str, int] = EVENTS
) -> HardwareCounts | Uncounted:
    """Return what the processor counted per call, in all threads of this process; or why it counted nothing."""
    try:
        with _descriptors(open_, events) as descriptors:
            before = {name: _sum(each) for name, each in descriptors.items()}
            for _ in range(calls):
                call()
            after = {name: _sum(each) for name, each in descriptors.items()}
    except OSError as error:
        return "absent" if error.errno in ABSENT else "refused"
    per_call = {name: (after[name] - before[name]) / calls for name in before}
    return HardwareCounts(per_call.get("instructions"), per_call.get("cycles"), per_call.get("cache_misses"))


@contextmanager
def _descriptors(open_: Open, events: Mapping[str, int]) -> Iterator[dict[str, list[int]]]:
    """Yield the descriptors of each event, one for each thread. Raises OSError if there is no event at all."""
    opened: dict[str, list[int]] = {}
    reason: OSError | None = None
    try:
        for name, number in events.items():
            try:
                for thread in _threads():
                    opened.setdefault(name, []).append(open_(HARDWARE, number, thread))
            except OSError as error:
                reason = error
                _close(opened.pop(name, []))
        if not opened and reason:
            raise reason
        yield opened
    finally:
        for descriptors in opened.values():
            _close(descriptors)


def _threads() -> list[int]:
    """Return the threads of this process, those of torch's pool too, which counters do not find by themselves."""
    return sorted(int(each.name) for each in Path("/proc/self/task").iterdir())


def _sum(descriptors: list[int]) -> int:
    return sum(struct.unpack("=Q", os.read(each, 8))[0] for each in descriptors)


def _close(descriptors: list[int]) -> None:
    for each in descriptors:
        with suppress(OSError):
            os.close(each)
