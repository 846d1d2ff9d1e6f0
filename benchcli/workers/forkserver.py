"""A fork server: a process that imports torch, runs no network, and forks itself for every task.

A fork skips the imports, which take most of the start-up time of a new process. The parent never
runs a measured network, and `bench` moves the data of each fork to a different address.
`benchmarks/launches.py` tests whether forked launches vary as much as new processes do.
"""

import contextlib
import gc
import os
import sys
import traceback

import psutil

from benchcli.schema.protocol import Ended, decode_task
from benchcli.workers.worker import do, end_with_parent, open_streams, sender

ENDING_S = 5.0
"""Longest wait for killed processes to end, in seconds."""


def main() -> None:
    """Send an empty line; then fork for every line on stdin, wait for the child, and send its exit code."""
    events, orders = open_streams()
    _import_all()
    gc.collect()
    # A garbage collection in a child would touch, and so copy, all pages shared with the parent.
    gc.freeze()
    events.write("\n")  # It has loaded all.
    events.flush()
    for line in orders:
        if decode_task(line).compiles:
            _import_compiler()
        child = os.fork()
        if child == 0:
            code = 1
            end_with_parent()
            try:
                do(decode_task(line), sender(events), orders.readline)
                code = 0
            except BaseException:  # After any error this child must not read its parent's tasks.
                traceback.print_exc()
            finally:
                sys.stderr.flush()
                os._exit(code)
        _, status = os.waitpid(child, 0)
        _end_descendants()
        events.write("\n")  # A killed child may leave an unfinished line.
        sender(events)(Ended(os.waitstatus_to_exitcode(status)))


def _end_descendants() -> None:
    """Kill the processes that the child left running: they would disturb the next launches."""
    descendants = psutil.Process().children(recursive=True)
    for process in descendants:
        with contextlib.suppress(psutil.Error):
            process.kill()
    psutil.wait_procs(descendants, timeout=ENDING_S)


def _import_compiler() -> None:
    """Import the compiler, which takes seconds, once for all launches; it starts no thread and no process."""
    with contextlib.suppress(ImportError):
        import torch._dynamo
        import torch._inductor.compile_fx  # noqa: F401


def _import_all() -> None:
    import torch  # noqa: F401

    from benchcli.sampling import layer_times, profile, roof_rates, survey  # noqa: F401
