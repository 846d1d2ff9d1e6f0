"""Page faults of this process."""

try:
    import resource
except ImportError:  # Windows has no such counter
    resource = None  # type: ignore[assignment]


def minor_faults() -> int | None:
    """Return the minor page faults so far, or None where the system does not count them."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt if resource else None
