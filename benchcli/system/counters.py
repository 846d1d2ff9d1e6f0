"""The noise watch: counters of this process and the system, read before and after measured work.

The watch never reads inside a timed block. A counter that cannot be read is None; `unseen` names
such counters.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter, process_time, sleep
from typing import Any, NamedTuple, TypeVar

import psutil

from benchcli.schema import Conditions
from benchcli.system.procfs import lines, throttled_s

try:
    import resource
except ImportError:  # Windows lacks this module.
    resource = None  # type: ignore[assignment]


ROOT = Path("/")
KIBIBYTE = 1024
LOOK_S = 0.25
"""Long enough for the system's count of CPU time, which has a resolution of 10 ms."""
Value = TypeVar("Value")
Amount = TypeVar("Amount", int, float)

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
class Counters:
    """Counters at one moment: seconds and counts since the start of the system or the process."""

    wall_s: float
    cpu_s: float | None = None
    minor_faults: int | None = None
    major_faults: int | None = None
    voluntary_switches: int | None = None
    involuntary_switches: int | None = None
    busy_s: float | None = None
    """Total busy time of the cores that this process may use."""
    steal_s: float | None = None
    cores: int | None = None
    waiting_s: float | None = None
    """Time during which at least one task waited for a core."""
    throttled_s: float | None = None
    frequency_hz: float | None = None
    load: float | None = None
    memory_bytes: int | None = None
    resident_bytes: int | None = None


def look(root: Path = ROOT) -> Counters:
    """Read every counter; a missing or forbidden one is None."""
    minor, major, voluntary, involuntary, memory_bytes = _process_counters()
    busy_s, steal_s, cores = _core_times()
    return Counters(
        wall_s=perf_counter(),
        cpu_s=process_time(),
        minor_faults=minor,
        major_faults=major,
        voluntary_switches=voluntary,
        involuntary_switches=involuntary,
        memory_bytes=memory_bytes,
        resident_bytes=resident_bytes(),
        busy_s=busy_s,
        steal_s=steal_s,
        cores=cores,
        waiting_s=waiting_s(root),
        throttled_s=throttled_s(root),
        frequency_hz=frequency_hz(root),
        load=_try_query(lambda: os.getloadavg()[0]),
    )


def busy_cores(seconds: float = LOOK_S) -> float | None:
    """Sleep for `seconds` and return how many cores other processes kept busy meanwhile."""
    start = look()
    sleep(seconds)
    return between(0, start, look(), 0.0).busy_cores


def unseen(moment: Counters) -> tuple[str, ...]:
    """Return descriptions of the counters that cannot be read here."""
    return tuple(word for name, word in WORDS.items() if getattr(moment, name) is None)


def between(launch: int, start: Counters, end: Counters, call_overhead_s: float) -> Conditions:
    """Return the conditions between two moments: the differences of their counters."""
    wall_s = max(end.wall_s - start.wall_s, 1e-9)
    cpu_s, busy_s = _difference(end.cpu_s, start.cpu_s), _difference(end.busy_s, start.busy_s)
    others_s = _difference(busy_s, cpu_s)
    steal_s, waiting = _difference(end.steal_s, start.steal_s), _difference(end.waiting_s, start.waiting_s)
    return Conditions(
        launch=launch,
        wall_s=wall_s,
        cpu_s=cpu_s,
        minor_faults=_difference(end.minor_faults, start.minor_faults),
        major_faults=_difference(end.major_faults, start.major_faults),
        voluntary_switches=_difference(end.voluntary_switches, start.voluntary_switches),
        involuntary_switches=_difference(end.involuntary_switches, start.involuntary_switches),
        busy_cores=None if others_s is None else max(0.0, others_s / wall_s),
        cores=end.cores,
        steal_cores=None if steal_s is None else steal_s / wall_s,
        pressure=None if waiting is None else waiting / wall_s,
        throttled_s=_difference(end.throttled_s, start.throttled_s),
        frequency_hz=end.frequency_hz,
        load=start.load,
        memory_bytes=end.memory_bytes,
        call_overhead_s=call_overhead_s,
        grown_bytes=_difference(end.resident_bytes, start.resident_bytes),
    )


def waiting_s(root: Path = ROOT) -> float | None:
    """Return the seconds during which a task waited for a core, or None if unknown.

    The source is Linux's pressure stall information.
    """
    for line in lines(root / "proc/pressure/cpu"):
        kind, *pairs = line.split()
        fields = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
        if kind == "some" and fields.get("total", "").isdecimal():
            return int(fields["total"]) / 1e6
    return None


def frequency_hz(root: Path = ROOT) -> float | None:
    """Return the frequency of the fastest core in Hz, or None: the other cores may be idle.

    Without a frequency driver Linux reports a constant elsewhere, which says nothing about the
    current frequency.
    """
    if psutil.LINUX and not (root / "sys/devices/system/cpu/cpu0/cpufreq").is_dir():
        return None
    frequencies = _try_query(lambda: [core.current for core in psutil.cpu_freq(percpu=True)])
    return max(frequencies) * 1e6 if frequencies and max(frequencies) > 0 else None


def _process_counters() -> tuple[int | None, ...]:
    """Return this process's faults, context switches and peak memory, or None for each.

    The order is minor faults, major faults, voluntary switches, involuntary switches, and the peak
    resident set size in bytes.
    """
    if not resource:
        return (None,) * 5
    counts = resource.getrusage(resource.RUSAGE_SELF)
    unit = 1 if psutil.MACOS else KIBIBYTE
    return counts.ru_minflt, counts.ru_majflt, counts.ru_nvcsw, counts.ru_nivcsw, counts.ru_maxrss * unit


def _core_times() -> tuple[float | None, float | None, int | None]:
    """Return busy seconds, stolen seconds and number of the cores that this process may use."""
    cores = _try_query(lambda: psutil.cpu_times(percpu=True))
    if not cores:
        return None, None, None
    usable = os.sched_getaffinity(0) if hasattr(os, "sched_getaffinity") else range(len(cores))
    # In a container the affinity mask may name cores beyond the list.
    usable_cores = [cores[number] for number in usable if number < len(cores)] or cores
    stolen = [core.steal for core in usable_cores if hasattr(core, "steal")]
    return sum(map(_busy_s, usable_cores)), sum(stolen) if stolen else None, len(usable_cores)


def _busy_s(core: Any) -> float:
    """Return the busy seconds of one core. User time already includes guest time."""
    excluded = sum(getattr(core, name, 0.0) for name in ("idle", "iowait", "steal", "guest", "guest_nice"))
    return float(sum(core) - excluded)


def resident_bytes() -> int | None:
    """Return the resident memory of this process; None if the system does not say."""
    return _try_query(lambda: int(psutil.Process().memory_info().rss))


def _try_query(query: Callable[[], Value]) -> Value | None:
    """Return the result of a query, or None if the system has no answer or forbids the query."""
    try:
        return query()
    except (OSError, RuntimeError, NotImplementedError, AttributeError, TypeError, ValueError):
        return None


def _difference(end: Amount | None, start: Amount | None) -> Amount | None:
    return None if end is None or start is None else end - start


class Usage(NamedTuple):
    """Counts since the start of the process."""

    minor_faults: int
    involuntary_switches: int
    """How often the system preempted the process."""


def usage() -> Usage | None:
    """Return the counts so far, or None if the system does not keep them."""
    if not resource:
        return None
    counts = resource.getrusage(resource.RUSAGE_SELF)
    return Usage(counts.ru_minflt, counts.ru_nivcsw)


def preempted(before: Usage | None, after: Usage | None) -> bool:
    """Return whether the system took the core away between two readings, as far as it says."""
    return bool(before and after and after.involuntary_switches > before.involuntary_switches)
