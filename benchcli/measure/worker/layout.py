"""Where data lie in memory: part of a time, and therefore another place in every launch.

Processes that are forked from one parent begin with the same heap, and caches are filled by address. A shift of random
length before the data gives each launch a layout of its own, as the loader's randomisation does between programs.
"""

import random

HUGE_PAGE = 2 * 2**20
"""Within a huge page virtual and physical addresses agree, so a shift by up to one reaches every set of a cache."""
PAGES = 16 * 4096
LINE = 64


def shift_heap(rng: random.Random) -> bytearray:
    """Take a random part of a huge page from the heap; what is allocated after it lies elsewhere while it is kept.

    The system's own allocator maps what is large apart from the heap: there only what is small moves.
    """
    return bytearray(rng.randrange(0, HUGE_PAGE, LINE))


def shift_apart(rng: random.Random) -> bytearray:
    """Take a few pages at random, so that the data of two variants do not always lie alike."""
    return bytearray(rng.randrange(0, PAGES, LINE))
