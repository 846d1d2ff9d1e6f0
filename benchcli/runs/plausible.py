"""Find numbers in a row of text that no measurement can produce."""

import math
from collections.abc import Mapping

from benchcli.runs.columns import PERCENTILES, SETTING

TRIPLES = (
    ("median_s", "ci_low_s", "ci_high_s"),
    ("relative_speed", "relative_low", "relative_high"),
    ("reference_speed", "reference_low", "reference_high"),
    SETTING,
)
"""An estimate and the ends of its interval."""
POSITIVE = (*(name for names in TRIPLES for name in names), *PERCENTILES)
LEAST, MOST = 1e-12, 1e12
"""The smallest and the largest seconds, and ratio of seconds, that a measurement can produce."""


def impossible(cells: Mapping[str, str]) -> str | None:
    """Return what in a row's numbers no measurement can produce; None if nothing is."""
    for name in (*POSITIVE, "flops_deviation"):
        cell = cells.get(name, "")
        try:
            number = float(cell) if cell else 1.0
        except ValueError:
            number = math.nan
        if not math.isfinite(number) or (name in POSITIVE and not LEAST <= number <= MOST):
            return f"{name} is {cell!r}, which is not a valid value"
    for names in TRIPLES:
        middle, low, high = (float(cells.get(name) or "nan") for name in names)
        if low > middle or middle > high:
            return f"{names[0]} is outside of its interval"
    return None
