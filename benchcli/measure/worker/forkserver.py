"""A process that has imported torch and run nothing; every task on its stdin is done by a fresh fork of it.

A fork begins where the import ended, which is most of what a process that begins at nothing costs. Nothing that is
measured ever ran in its parent, and `layout` moves its data to a place of its own; `benchmarks/launches.py` shows
whether launches made so differ as much as others.
"""

import gc
import json
import os
import sys
import traceback
from typing import NoReturn, TextIO

from benchcli.measure.protocol import ENDED, decode_task
from benchcli.measure.worker.main import do, end_with_parent, event_stream, offer_to_the_killer, order_stream, sender


def main() -> None:
    """Fork for every line on stdin, wait for the child, and say how it ended."""
    events, orders = event_stream(), order_stream()
    end_with_parent()
    offer_to_the_killer()
    _import_all()
    gc.collect()
    gc.freeze()  # a collection in a child would touch, and so copy, all that it shares with its parent
    for line in orders:
        child = os.fork()
        if child == 0:
            _work(line, events, orders)
        _, status = os.waitpid(child, 0)
        # A child that was killed may leave half a line behind.
        events.write("\n" + json.dumps({ENDED: os.waitstatus_to_exitcode(status)}) + "\n")
        events.flush()


def _import_all() -> None:
    import torch  # noqa: F401

    from benchcli.measure.worker import code_versions, profile, sample, serving  # noqa: F401


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
