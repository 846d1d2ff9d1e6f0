"""Place the names of points in a chart, so that they lie neither on each other nor on points."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

LETTER, LINE = 5.6, 12.0
"""The width of a letter and the height of a line of a label, in pixels."""
POINT = 5.0
"""The radius of a point, in pixels."""
DISTANCES = (0.0, 12.0, 24.0, 36.0)
"""How far a label moves up or down to find room, in pixels, the nearest first."""
Box = tuple[float, float, float, float]
"""Left, top, right and bottom, in pixels."""


@dataclass(frozen=True)
class LabelPlace:
    """Where a label lies, relative to its point in pixels: `align` is the end of it that is nearer to the point."""

    dx: float
    dy: float
    align: str


def steps(points: Sequence[tuple[float, float]]) -> list[Box]:
    """Return what a line covers that goes from point to point, first along x, then along y."""
    corners = [((x, y), (next_x, y), (next_x, next_y)) for (x, y), (next_x, next_y) in pairwise(points)]
    return [thick((*one, *other)) for corner in corners for one, other in pairwise(corner)]


def thick(line: Box) -> Box:
    """Return what a line along an axis covers, given by its two ends."""
    x, y, other_x, other_y = line
    return min(x, other_x) - 1, min(y, other_y) - 1, max(x, other_x) + 1, max(y, other_y) + 1


def places(
    points: Sequence[tuple[float, float]], labels: Sequence[str], size: tuple[float, float], lines: Sequence[Box] = ()
) -> list[LabelPlace]:
    """Return a place for each label of points in pixels, the origin being the upper left corner.

    `size` is the chart's width and height, and `lines` what else is drawn. A label goes beside its
    point, as near as there is room; where there is none, it goes where it covers least.
    """
    taken: list[Box] = [*lines, *((x - POINT, y - POINT, x + POINT, y + POINT) for x, y in points)]
    chosen = []
    for (x, y), label in zip(points, labels, strict=True):
        options = [(place, _box(x, y, place, label)) for place in _candidates()]
        place, box = min(options, key=lambda option: (_covered(option[1], taken, size), abs(option[0].dy)))
        taken.append(box)
        chosen.append(place)
    return chosen


def _candidates() -> list[LabelPlace]:
    return [
        LabelPlace(sign * (POINT + 3), up * distance, align)
        for distance in DISTANCES
        for up in ((1, -1) if distance else (1,))
        for sign, align in ((1, "left"), (-1, "right"))
    ]


def _box(x: float, y: float, place: LabelPlace, label: str) -> Box:
    length = LETTER * len(label)
    left = x + place.dx - (length if place.align == "right" else 0)
    return left, y + place.dy - LINE / 2, left + length, y + place.dy + LINE / 2


def _covered(box: Box, others: Sequence[Box], size: tuple[float, float]) -> float:
    """Return the area of a box that lies on others or outside of the chart."""
    (left, top, right, bottom), (width, height) = box, size
    outside = (max(0.0, -left) + max(0.0, right - width)) * LINE
    outside += (max(0.0, -top) + max(0.0, bottom - height)) * (right - left)
    return outside + sum(
        max(0.0, min(box[2], other[2]) - max(box[0], other[0]))
        * max(0.0, min(box[3], other[3]) - max(box[1], other[1]))
        for other in others
    )
