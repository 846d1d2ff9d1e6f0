"""Linux's files about processes and control groups, read where they exist. Elsewhere they have no lines."""

from collections.abc import Callable, Iterator
from pathlib import Path


def lines(path: str | Path) -> list[str]:
    """Return a file's lines, or none where it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


ROOT = Path("/")


def quota_cores(root: Path = ROOT) -> float | None:
    """Return how many cores' time the groups grant, or None where they do not limit it."""
    return min(_found(_quota, root), default=None)


def throttled_s(root: Path = ROOT) -> float | None:
    """Return for how long the quotas have held tasks back, or None where no group tells."""
    found = list(_found(_throttled, root))
    return sum(found) if found else None


def folders(root: Path = ROOT) -> Iterator[Path]:
    """Yield the folders of the groups that bound this process's CPU time, the innermost first, of either version.

    In a container the path that the kernel tells may be one that is seen only from outside; its parents then are not.
    """
    for line in lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for top in _mounts(controllers):
            place = root / top
            inner = place / path.lstrip("/")
            yield from (folder for folder in (inner, *inner.parents) if folder.is_relative_to(place))


def _mounts(controllers: str) -> tuple[str, ...]:
    """Return where a hierarchy is mounted: version 2 names no controllers, version 1 has a folder for each."""
    if not controllers:
        return "sys/fs/cgroup", "sys/fs/cgroup/unified"
    return ("sys/fs/cgroup/cpu", f"sys/fs/cgroup/{controllers}") if "cpu" in controllers.split(",") else ()


def _found(read: Callable[[Path], float | None], root: Path) -> Iterator[float]:
    seen = {folder.resolve() for folder in folders(root)}  # "cpu" is often a link to "cpu,cpuacct"
    return (value for folder in seen if (value := read(folder)) is not None)


def _quota(folder: Path) -> float | None:
    first = (lines(folder / "cpu.max") or [""])[0].split()
    if not first:
        first = [next(iter(lines(folder / f"cpu.cfs_{name}_us")), "") for name in ("quota", "period")]
    quota, period = [*first, "", ""][:2]
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def _throttled(folder: Path) -> float | None:
    for line in lines(folder / "cpu.stat"):
        name, _, number = line.partition(" ")
        unit = {"throttled_usec": 1e-6, "throttled_time": 1e-9}.get(name)
        if unit and number.strip().isdecimal():
            return int(number) * unit
    return None
