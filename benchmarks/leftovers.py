"""Find the processes that a program started and left running, by a variable in their environment."""

import os
import time
from collections.abc import Mapping

import psutil

MARK = "BENCHCLI_LEFTOVER"
"""The variable; children inherit it."""


def environment(mark: str) -> Mapping[str, str]:
    """Return this environment with the mark."""
    return {**os.environ, MARK: mark}


def running(mark: str) -> list[psutil.Process]:
    """Return the processes with this mark that still run."""
    found = []
    for process in psutil.process_iter():
        try:
            if process.environ().get(MARK) == mark and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
        except psutil.Error:
            continue
    return found


def ended(mark: str, wait_s: float) -> list[str]:
    """Wait until the processes with this mark have ended; end the others, and return their commands."""
    deadline = time.monotonic() + wait_s
    while running(mark) and time.monotonic() < deadline:
        time.sleep(0.2)
    commands = []
    for process in running(mark):
        commands.append(" ".join(process.cmdline()[:3]))
        process.kill()
    return commands
