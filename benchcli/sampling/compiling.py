"""Tell the time in which `torch.compile` works from the time of a network."""

import sys
from collections.abc import Callable
from time import perf_counter
from typing import TypeVar

Value = TypeVar("Value")


class CompileTime:
    """The seconds of those calls of a network in which the compiler worked."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def call(self, function: Callable[[], Value]) -> Value:
        """Return what `function` returns, and add its seconds if the compiler worked in it."""
        frames, start = _frames(), perf_counter()
        result = function()
        if _frames() > frames:
            self.seconds += perf_counter() - start
        return result


def _frames() -> int:
    """Return how many functions the compiler has looked at in this process, whatever its cache held of them."""
    module = sys.modules.get("torch._dynamo.utils")
    counters = getattr(module, "counters", {})
    return int(counters["frames"]["total"]) if "frames" in counters else 0
