"""Read Linux's files about processes and control groups; without them the values are None."""

from collections.abc import Callable, Iterator
from pathlib import Path


def lines(path: str | Path) -> list[str]:
    """Return a file's lines, or an empty list if it cannot be read."""
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []


ROOT = Path("/")


def quota_cores(root: Path = ROOT) -> float | None:
    """Return the CPU quota of the control groups in cores, or None if they set no limit."""
    return min(_values(_quota_cores, root), default=None)


def throttled_s(root: Path = ROOT) -> float | None:
    """Return how long quotas have throttled tasks, in seconds, or None if no group reports it."""
    durations = list(_values(_throttled_s, root))
    return sum(durations) if durations else None


def folders(root: Path = ROOT) -> Iterator[Path]:
    """Yield the folders of the control groups that limit this process's CPU time, innermost first.

    Both versions of control groups are read. In a container the path that the kernel reports may
    exist only outside of it; then only its parents are readable.
    """
    for line in lines(root / "proc/self/cgroup"):
        _, _, rest = line.partition(":")
        controllers, _, path = rest.partition(":")
        for mount in _mounts(controllers):
            top = root / mount
            innermost = top / path.lstrip("/")
            yield from (folder for folder in (innermost, *innermost.parents) if folder.is_relative_to(top))


def _mounts(controllers: str) -> tuple[str, ...]:
    """Return a hierarchy's mount points: version 1 names its controllers, version 2 does not."""
    if not controllers:
        return "sys/fs/cgroup", "sys/fs/cgroup/unified"
    return ("sys/fs/cgroup/cpu", f"sys/fs/cgroup/{controllers}") if "cpu" in controllers.split(",") else ()


def _values(read: Callable[[Path], float | None], root: Path) -> Iterator[float]:
    # "cpu" is often a link to "cpu,cpuacct": resolve links, so that no folder counts twice.
    distinct = {folder.resolve() for folder in folders(root)}
    return (value for folder in distinct if (value := read(folder)) is not None)


def _quota_cores(folder: Path) -> float | None:
    values = (lines(folder / "cpu.max") or [""])[0].split()
    if not values:
        values = [next(iter(lines(folder / f"cpu.cfs_{name}_us")), "") for name in ("quota", "period")]
    quota, period = [*values, "", ""][:2]
    return int(quota) / int(period) if quota.isdecimal() and period.isdecimal() and int(period) else None


def _throttled_s(folder: Path) -> float | None:
    for line in lines(folder / "cpu.stat"):
        name, _, number = line.partition(" ")
        unit = {"throttled_usec": 1e-6, "throttled_time": 1e-9}.get(name)
        if unit and number.strip().isdecimal():
            return int(number) * unit
    return None
