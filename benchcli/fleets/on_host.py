"""The process of a job on its host: it waits for its turn, measures, and ends when whoever started it does.

`python -m benchcli.fleets.on_host FOLDER`
"""

import json
import os
import runpy
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import NoReturn

from filelock import FileLock

from benchcli import files
from benchcli.errors import FINE, NOT_MEASURED
from benchcli.files import ENVIRONMENT
from benchcli.fleets.job import ENDING, JOB, RUN, STATE, ended
from benchcli.noise.fitness import grade, probe
from benchcli.runs.read import read
from benchcli.schema.environment import Machine
from benchcli.spelling import flag

PAUSE_S = 5.0
"""Seconds between two looks at a noisy host."""
QUIET_S = 0.5
"""Seconds of a look."""


def main(folder: Path) -> NoReturn:
    """Measure what the folder of a job lacks, and exit with the code of `benchcli run`."""
    end_with_stdin()
    asked = json.loads(files.read_text(folder / JOB))
    files.replace(folder / STATE, "waiting for its turn")
    with host_lock():
        if (code := ended(folder)) is not None:  # another attempt has done it meanwhile
            sys.exit(code)
        _wait_until_quiet(folder, asked["wait_s"])
        files.replace(folder / STATE, "measuring")
        code = _measured(asked["words"], folder / RUN)
        if code in (FINE, NOT_MEASURED) and not read(folder / RUN).unfinished:
            files.replace(folder / ENDING, json.dumps({"code": code}))
    sys.exit(code)


def host_lock() -> FileLock:
    """Return the lock that a measurement on this host holds: one at a time, whichever fleet it is of.

    It lies in the folder for temporary files, because users' own folders may be shared between hosts.
    """
    user = os.getuid() if hasattr(os, "getuid") else "user"
    return FileLock(Path(tempfile.gettempdir()) / f"benchcli-host-{user}.lock")


def end_with_stdin() -> None:
    """Interrupt this process when its stdin ends: what is finished stays, and nothing is left running."""

    def wait() -> None:
        while os.read(0, 1024):  # a buffered reader that waits would abort the process when it ends
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=wait, daemon=True).start()


def _wait_until_quiet(folder: Path, most_s: float) -> None:
    """Wait while others use this host, so long at most; the run itself says what disturbed it then."""
    end = time.monotonic() + most_s
    while time.monotonic() < end and grade(Machine(), probe(QUIET_S), 1).word == "poor":
        files.replace(folder / STATE, "waiting until the host is quiet")
        time.sleep(min(PAUSE_S, max(0.0, end - time.monotonic())))


def _measured(words: list[str], run: Path) -> int:
    """Call the command line in this process, and return its exit code."""
    where = flag("resume" if files.is_file(run / ENVIRONMENT) else "output")
    sys.argv = ["benchcli", *words, where, str(run)]
    try:
        runpy.run_module("benchcli", run_name="__main__")
    except SystemExit as ending:
        return int(ending.code or FINE)
    return FINE


if __name__ == "__main__":
    main(Path(sys.argv[1]))
