"""The order in which a round samples its variants."""

import random
from collections.abc import Iterator, Sequence


def orders(names: Sequence[str], rng: random.Random) -> Iterator[list[str]]:
    """Yield an order a round, for ever: cyclic Latin squares, each of a fresh shuffle.

    Within a square every variant takes every place once, so that what the place does to a time falls on all alike.
    """
    while True:
        base = list(names)
        rng.shuffle(base)
        starts = list(range(len(base)))
        rng.shuffle(starts)
        yield from (base[start:] + base[:start] for start in starts)
