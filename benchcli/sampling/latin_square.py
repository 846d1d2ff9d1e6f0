"""Generate the orders in which rounds sample their variants."""

import random
from collections.abc import Iterator, Sequence
from typing import TypeVar

Name = TypeVar("Name")


def orders(names: Sequence[Name], rng: random.Random) -> Iterator[list[Name]]:
    """Yield one order per round, without end: cyclic Latin squares, each of a new shuffle.

    Within a square every variant takes every position once, so that an effect of the position on
    the time is the same for all variants.
    """
    while True:
        base = list(names)
        rng.shuffle(base)
        starts = list(range(len(base)))
        rng.shuffle(starts)
        yield from (base[start:] + base[:start] for start in starts)
