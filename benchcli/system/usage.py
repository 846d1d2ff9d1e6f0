"""What this process has used so far, read around every sample: two counters, in one call of the system."""

from typing import NamedTuple

try:
    import resource
except ImportError:  # Windows has no such counters
    resource = None  # type: ignore[assignment]


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
