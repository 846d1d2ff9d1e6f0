"""Say why a worker died."""

import signal
from collections.abc import Mapping
from pathlib import Path
from typing import IO

from benchcli.schema import Failure


def death(code: int, words: str, kills: int) -> Failure:
    """Return the failure of a worker by its exit code and its last words.

    `kills` is `kills_for_memory` when its task began.
    """
    if code < 0:
        if -code == signal.SIGKILL and kills_for_memory() > kills:
            return Failure("out-of-memory", "the kernel, short of memory, killed the worker")
        names = {each.value: each.name for each in signal.Signals}
        return Failure("crashed", f"the worker was ended by {names.get(-code, f'signal {-code}')}")
    return Failure("crashed", f"the worker ended with exit code {code}: {words}" if words else f"exit code {code}")


def last_words(errors: IO[bytes], start: int) -> str:
    """Return the last line of a worker's stderr after `start`; empty if there is none."""
    errors.seek(start)
    lines = errors.read().decode("utf-8", "replace").strip().splitlines()
    return lines[-1].strip()[:300] if lines else ""


def kills_for_memory() -> int:
    """Return how many processes the kernel killed for lack of memory; 0 if not reported."""
    try:
        counters: Mapping[str, str] = dict(
            line.split() for line in Path("/proc/vmstat").read_text(encoding="ascii").splitlines()
        )
    except (OSError, ValueError):
        return 0
    return int(counters.get("oom_kill", 0))
