"""A fork server: a process that imports torch, runs no network, and forks itself for every task.

A fork skips the imports, which take most of the start-up time of a new process. The parent never
runs a measured network, and `bench` moves the data of each fork to a different address.
`benchmarks/launches.py` tests whether forked launches vary as much as new processes do.
"""

import contextlib
import gc
import json
import os
import sys
import traceback
from typing import NoReturn, TextIO

import psutil

from benchcli.schema.protocol import ENDED, decode_task
from benchcli.workers.pipe import marked, parted
from benchcli.workers.worker import (
    adopt_orphans,
    do,
    end_with_parent,
    event_stream,
    order_stream,
    prefer_oom_kill,
    sender,
)

ENDING_S = 5.0
"""Longest wait for killed processes to end, in seconds."""


def main() -> None:
    """Fork for every line on stdin, wait for the child, and send its exit code."""
    events, orders = event_stream(), order_stream()
    end_with_parent()
    adopt_orphans()
    prefer_oom_kill()
    _import_all()
    gc.collect()
    # A garbage collection in a child would touch, and so copy, all pages shared with the parent.
    gc.freeze()
    for line in orders:
        word, text = parted(line)
        child = os.fork()
        if child == 0:
            _work(word, text, events, orders)
        _, status = os.waitpid(child, 0)
        _end_descendants()
        # A killed child may leave an unfinished line.
        code = json.dumps({ENDED: os.waitstatus_to_exitcode(status)})
        events.write("\n" + marked(word, code) + "\n")
        events.flush()


def _end_descendants() -> None:
    """Kill the processes that the child left running: they would disturb the next launches."""
    descendants = psutil.Process().children(recursive=True)
    for process in descendants:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(descendants, timeout=ENDING_S)


def _import_all() -> None:
    import torch  # noqa: F401

    from benchcli.sampling import profile  # noqa: F401


def _work(word: str, text: str, events: TextIO, orders: TextIO) -> NoReturn:
    code = 1
    end_with_parent()
    try:
        do(decode_task(text), sender(events, word), orders.readline)
        code = 0
    except BaseException:  # After any error this child must not read its parent's tasks.
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)
