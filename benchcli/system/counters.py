"""The noise watch: counters of this process and its surroundings, read before and after a stretch of work.

Everything is read from outside what is timed. What cannot be read is None: the watch says what it cannot see.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import psutil

from benchcli.schema import Conditions
from benchcli.system.procfs import lines, throttled_s

try:
    import resource
except ImportError:  # Windows has no such counters
    resource = None  # type: ignore[assignment]


ROOT = Path("/")
KIBIBYTE = 1024
LOOK_S = 0.25
"""Long enough for the system's count of used time, which moves in steps of 10 ms."""
Value = TypeVar("Value")

WORDS = {
    "minor_faults": "page faults",
    "major_faults": "paging",
    "involuntary_switches": "preemption",
    "busy_s": "other work",
    "steal_s": "steal",
    "waiting_s": "CPU pressure",
    "throttled_s": "a quota's throttling",
    "frequency_hz": "frequency",
    "load": "load average",
    "memory_bytes": "memory of the process",
}


@dataclass(frozen=True)
class Moment:
    """Counters at one moment; seconds and counts since the system or the process began."""

    wall_s: float
    cpu_s: float | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    busy_s: float | None = None
    """Time that the cores which this process may use have worked, all together."""
    steal_s: float | None = None
    cores: int | None = None
    waiting_s: float | None = None
    """Time in which some task waited for a core."""
    throttled_s: float | None = None
    frequency_hz: float | None = None
    load: float | None = None
    memory_bytes: int | None = None


def look(root: Path = ROOT) -> Moment:
    """Read every counter; those that are not there, or not for us, are None."""
    minor, major, voluntary, involuntary, memory_bytes = _of_process()
    busy_s, steal_s, cores = _of_cores()
    return Moment(
        wall_s=time.perf_counter(),
        cpu_s=time.process_time(),
        minor_faults=minor,
        major_faults=major,
        voluntary_switches=voluntary,
        involuntary_switches=involuntary,
        memory_bytes=memory_bytes,
        busy_s=busy_s,
        steal_s=steal_s,
        cores=cores,
        waiting_s=waiting_s(root),
        throttled_s=throttled_s(root),
        frequency_hz=frequency_hz(root),
        load=_asked(lambda: os.getloadavg()[0]),
    )


def busy_cores(seconds: float = LOOK_S) -> float | None:
    """Watch for a moment, doing nothing, and return how many cores' worth of work others do."""
    start = look()
    time.sleep(seconds)
    return between(0, start, look(), 0.0).busy_cores


def unseen(moment: Moment) -> tuple[str, ...]:
    """Return what the watch cannot see here, in words."""
    return tuple(word for name, word in WORDS.items() if getattr(moment, name) is None)


def between(launch: int, start: Moment, end: Moment, call_overhead_s: float) -> Conditions:
    """Return what went on between two moments."""
    wall_s = max(end.wall_s - start.wall_s, 1e-9)
    cpu_s, busy_s = _difference(end.cpu_s, start.cpu_s), _difference(end.busy_s, start.busy_s)
    others_s = _difference(busy_s, cpu_s)
    steal_s, waiting = _difference(end.steal_s, start.steal_s), _difference(end.waiting_s, start.waiting_s)
    return Conditions(
        launch=launch,
        wall_s=wall_s,
        cpu_s=cpu_s,
        minor_faults=_count(end.minor_faults, start.minor_faults),
        major_faults=_count(end.major_faults, start.major_faults),
        voluntary_switches=_count(end.voluntary_switches, start.voluntary_switches),
        involuntary_switches=_count(end.involuntary_switches, start.involuntary_switches),
        busy_cores=None if others_s is None else max(0.0, others_s / wall_s),
        cores=end.cores,
        steal_cores=None if steal_s is None else steal_s / wall_s,
        pressure=None if waiting is None else waiting / wall_s,
        throttled_s=_difference(end.throttled_s, start.throttled_s),
        frequency_hz=end.frequency_hz,
        load=start.load,
        memory_bytes=end.memory_bytes,
        call_overhead_s=call_overhead_s,
    )


def waiting_s(root: Path = ROOT) -> float | None:
    """Return for how long some task waited for a core (Linux's pressure stall information)."""
    for line in lines(root / "proc/pressure/cpu"):
        kind, *pairs = line.split()
        found = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if kind == "some" and found.get("total", "").isdecimal():
            return int(found["total"]) / 1e6
    return None


def frequency_hz(root: Path = ROOT) -> float | None:
    """Return the fastest core's frequency: the others may be asleep.

    Where Linux has no driver for it, what is told besides is a constant: that is not to see it.
    """
    if psutil.LINUX and not (root / "sys/devices/system/cpu/cpu0/cpufreq").is_dir():
        return None
    frequencies = _asked(lambda: [core.current for core in psutil.cpu_freq(percpu=True)])
    return max(frequencies) * 1e6 if frequencies and max(frequencies) > 0 else None


def _of_process() -> tuple[int | None, ...]:
    """Return minor and major faults, voluntary and involuntary switches, and the largest resident set in bytes."""
    if not resource:
        return (None,) * 5
    counts = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if psutil.MACOS else KIBIBYTE
    return counts.ru_minflt, counts.ru_majflt, counts.ru_nvcsw, counts.ru_nivcsw, counts.ru_maxrss * unit


def _of_cores() -> tuple[float | None, float | None, int | None]:
    """Return the seconds that the cores which this process may use have worked, those withheld, and their number."""
    cores = _asked(lambda: psutil.cpu_times(percpu=True))
    if not cores:
        return None, None, None
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(cores))
    # A number beyond the list is of a core that a container sees only in its mask.
    mine = [cores[number] for number in usable if number < len(cores)] or cores
    stolen = [core.steal for core in mine if hasattr(core, "steal")]
    return sum(map(_worked_s, mine)), sum(stolen) if stolen else None, len(mine)


def _worked_s(core: Any) -> float:
    """Return the seconds that one core has worked; a guest's are in the user's already."""
    resting = sum(getattr(core, name, 0.0) for name in ("idle", "iowait", "steal", "guest", "guest_nice"))
    return float(sum(core) - resting)


def _asked(question: Callable[[], Value]) -> Value | None:
    """Return what the library finds, or None where the system gives no answer, or not to us."""
    try:
        return question()
    except (OSError, RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError):
        return None


def _difference(end: float | None, start: float | None) -> float | None:
    return None if end is None or start is None else end - start


def _count(end: int | None, start: int | None) -> int | None:
    return None if end is None or start is None else end - start


class Usage(NamedTuple):
    """Counts since the process began."""

    minor_faults: int
    involuntary_switches: int
    """Times that the system took the core away."""


def usage() -> Usage | None:
    """Return the counts so far, or None where the system does not keep them."""
    if not resource:
        return None
    counts = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(counts.ru_minflt, counts.ru_nivcsw)
