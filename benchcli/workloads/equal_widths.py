"""Channels of other proportions with the same multiply-adds, as multiples of what the given ones are multiples of."""

import math
from collections.abc import Iterator

STEPS = (16, 8, 4, 2, 1)
"""Multiples of which new channels should be if the old ones are, so that no repair breaks how they fill vectors."""
RATIO_WEIGHT = 0.25
"""Weight of a deviation of the proportion relative to one of the multiply-adds."""


def balanced(c_in: int, c_out: int, factor: float = 1.0) -> tuple[int, int]:
    """Return nearly equal channels whose product is near `factor` times the given ones' product."""
    return _nearest(c_in, c_out, c_in * c_out * factor, 1.0)


def scaled(c_in: int, c_out: int, factor: float) -> tuple[int, int]:
    """Return channels of the same proportion whose product is near `factor` times the given ones' product."""
    return _nearest(c_in, c_out, c_in * c_out * factor, c_out / c_in)


def partner(width: int, product: int) -> int:
    """Return the channels that give a product with `width`, as a multiple of what that is a multiple of."""
    step = next(each for each in STEPS if width % each == 0)
    return max(step, round(product / width / step) * step)


def _nearest(c_in: int, c_out: int, product: float, ratio: float) -> tuple[int, int]:
    step = next(each for each in STEPS if c_in % each == 0 and c_out % each == 0)
    ideal = math.sqrt(product / ratio)

    def cost(pair: tuple[int, int]) -> float:
        deviation = abs(pair[0] * pair[1] / product - 1)
        return deviation + RATIO_WEIGHT * abs(math.log(pair[1] / pair[0] / ratio))

    return min(
        ((first, second) for first in _around(ideal, step) for second in _around(ideal * ratio, step)),
        key=cost,
    )


def _around(ideal: float, step: int) -> Iterator[int]:
    """Yield the multiples of a step near a number, and numbers near it if there are none but far ones."""
    while step > 1 and step > ideal / 4:
        step //= 2
    first = max(1, math.floor(ideal * 0.75 / step)) * step
    yield from range(first, math.ceil(ideal * 1.25) + step, step)
