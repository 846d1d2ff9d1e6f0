"""Tell the time in which `torch.compile` works from the time of a network."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Event, Thread
from time import perf_counter
from typing import TypeVar

from benchcli.cost.watching import COMPILER

Value = TypeVar("Value")
ALIVE_S = 5.0
"""Seconds after which a worker whose compiler is at work gives a sign of life."""
MOST_S = 600.0
"""Seconds of a call after which its compiler gives no more signs: it hangs."""


@dataclass
class CompileTime:
    """The seconds of those calls of a network in which the compiler worked."""

    alive: Callable[[], object] = lambda: None
    """Reports to the engine that the worker makes progress, from another thread too."""
    seconds: float = 0.0

    def call(self, function: Callable[[], Value]) -> Value:
        """Return what `function` returns, and add its seconds if the compiler worked in it."""
        frames, start = _frames(), perf_counter()
        with self._reporting(frames):
            result = function()
        if _frames() > frames:
            self.seconds += perf_counter() - start
        return result

    @contextmanager
    def _reporting(self, frames: int) -> Iterator[None]:
        """Give signs of life during the block while the compiler, if it is loaded, works in it.

        `frames` is how many functions it had looked at before.
        """
        if COMPILER not in sys.modules:
            yield
            return
        is_done = Event()

        def report() -> None:
            for _ in range(int(MOST_S / ALIVE_S)):
                if is_done.wait(ALIVE_S):
                    return
                if _frames() > frames:
                    self.alive()

        reporter = Thread(target=report, daemon=True)
        reporter.start()
        try:
            yield
        finally:
            is_done.set()
            reporter.join()


def _frames() -> int:
    """Return how many functions the compiler has looked at in this process, whatever its cache held of them."""
    module = sys.modules.get("torch._dynamo.utils")
    counters = getattr(module, "counters", {})
    return int(counters["frames"]["total"]) if "frames" in counters else 0
