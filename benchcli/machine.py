"""What the machine is, and which of it makes two records comparable."""

import hashlib
import json
import os
import platform
import socket
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil

IDENTITY = ("cpu", "architecture", "cores", "system")


def machine() -> dict[str, Any]:
    """Return the facts of this machine that can be read without torch."""
    return {
        "host": host(),
        "cpu": cpu_model(),
        "architecture": platform.machine(),
        "cores": usable_cores(),
        "caches": caches(),
        "memory_bytes": psutil.virtual_memory().total,
        "system": system(),
        "virtualised": virtualised(),
    }


def digest(machine_facts: Mapping[str, Any], *others: Mapping[str, Any]) -> str:
    """Return 12 hexadecimal digits of what decides a time: the machine, the versions, the device, the settings.

    The host's name, its load and its memory's size are not part of it.
    """
    identity = [{name: machine_facts.get(name) for name in IDENTITY}, *(dict(other) for other in others)]
    text = json.dumps(identity, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:12]


def host() -> str:
    """Return this machine's name, fit for a file's name."""
    name = socket.gethostname().split(".")[0].lower()
    return "".join(letter if letter.isalnum() or letter in "-_" else "-" for letter in name) or "host"


def system() -> str:
    """Return the operating system and its release."""
    return f"{platform.system()} {platform.release()}"


def cpu_model() -> str:
    """Return the processor's name as the system tells it."""
    for line in _lines("/proc/cpuinfo"):
        key, _, value = line.partition(":")
        if key.strip() in {"model name", "Model", "cpu model"} and value.strip():
            return value.strip()
    return platform.processor() or platform.machine()


def usable_cores() -> int:
    """Return the cores that this process may run on, a container's quota counted in."""
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota = cpu_quota()
    return max(1, min(allowed, int(quota))) if quota else allowed


def cpu_quota() -> float | None:
    """Return how many cores' time the control group grants, or None where it does not limit it."""
    for line in _lines("/sys/fs/cgroup/cpu.max"):
        quota, _, period = line.partition(" ")
        if quota.isdecimal() and period.strip().isdecimal():
            return int(quota) / int(period)
    return None


def caches() -> dict[str, str]:
    """Return the first core's caches by level, where Linux tells: {"L2": "1024K"}."""
    found = {}
    for folder in sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, kind, size = (next(iter(_lines(folder / name)), "").strip() for name in ("level", "type", "size"))
        if size:
            found[f"L{level}{'i' if kind == 'Instruction' else 'd' if kind == 'Data' else ''}"] = size
    return found


def virtualised() -> bool | None:
    """Say whether a hypervisor runs this machine, or None where that cannot be seen."""
    flags = [line for line in _lines("/proc/cpuinfo") if line.startswith("flags")]
    return "hypervisor" in flags[0].split() if flags else None


def commit() -> str | None:
    """Return the commit of the checkout that this package runs from, read without git; None elsewhere."""
    git = Path(__file__).parent.parent / ".git"
    head = next(iter(_lines(git / "HEAD")), "")
    if not head.startswith("ref: "):
        return head or None
    reference = head.removeprefix("ref: ")
    loose = next(iter(_lines(git / reference)), None)
    packed = (line.split()[0] for line in _lines(git / "packed-refs") if line.endswith(f" {reference}"))
    return loose or next(packed, None)


def _lines(path: str | Path) -> list[str]:
    try:
        return Path(path).read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return []
