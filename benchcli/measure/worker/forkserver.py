"""A fork server: a process that has imported torch and run nothing, and forks itself for every task.

A fork begins where the import ended, which is most of what a process that begins at nothing costs.
Nothing that is measured ever ran in its parent, and `bench` moves its data to a place of its own;
`benchmarks/launches.py` shows whether launches made so differ as much as others.
"""

import contextlib
import gc
import json
import os
import sys
import traceback
from typing import NoReturn, TextIO

import psutil

from benchcli.measure.protocol import ENDED, decode_task
from benchcli.measure.worker.main import (
    adopt_orphans,
    do,
    end_with_parent,
    event_stream,
    order_stream,
    prefer_oom_kill,
    sender,
)

ENDING_S = 5.0
"""Most time that a killed process gets to be gone."""


def main() -> None:
    """Fork for every line on stdin, wait for the child, and say how it ended."""
    events, orders = event_stream(), order_stream()
    end_with_parent()
    adopt_orphans()
    prefer_oom_kill()
    _import_all()
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, all that it shares with its parent
    for line in orders:
        child = os.fork()
        if child == 0:
            _work(line, events, orders)
        _, status = os.waitpid(child, 0)
        _end_descendants()
        # A child that was killed may leave half a line behind.
        events.write("\n" + json.dumps({ENDED: os.waitstatus_to_exitcode(status)}) + "\n")
        events.flush()


def _end_descendants() -> None:
    """End what the child has left running: it would disturb the launches after this one."""
    left = psutil.Process().children(recursive=True)
    for process in left:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(left, timeout=ENDING_S)


def _import_all() -> None:
    import torch  # noqa: F401

    from benchcli.measure.worker import code_versions, profile, sample  # noqa: F401


def _work(line: str, events: TextIO, orders: TextIO) -> NoReturn:
    code = 1
    end_with_parent()
    try:
        do(decode_task(line), sender(events), orders.readline)
        code = 0
    except BaseException:  # whatever it was, this child must not go on to read its parent's tasks
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
