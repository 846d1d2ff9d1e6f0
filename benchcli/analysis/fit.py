"""How well what is counted explains what was timed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Point:
    """One network."""

    flops: int
    mac_bytes: int
    seconds: float


@dataclass(frozen=True)
class Explained:
    """What a metric knows of time."""

    rank_correlation: float
    """Spearman's, of the fitted times and the measured ones."""
    error: float
    """Median of |fitted / measured - 1|, each network fitted on all others."""


FLOPS = "FLOPs"
METRICS: Mapping[str, tuple[str, ...]] = {
    FLOPS: ("flops",),
    "MAC bytes": ("mac_bytes",),
    "both": ("flops", "mac_bytes"),
}


def explain(points: Sequence[Point]) -> dict[str, Explained]:
    """Fit seconds = a flops + b bytes, the additive roofline, and with either term alone; no coefficient is negative.

    What is minimised is the error relative to each time, so that large networks do not drown the small.
    """
    import pandas

    frame = pandas.DataFrame([vars(point) for point in points])
    return {name: _explained(frame, list(columns)) for name, columns in METRICS.items()}


def _explained(frame: "pandas.DataFrame", columns: list[str]) -> Explained:
    fitted = [_predicted(frame.drop(index=row), columns, frame.loc[row]) for row in frame.index]
    pairs = frame.assign(fitted=fitted)
    ranks = pairs[["fitted", "seconds"]].rank()
    errors = [abs(guess / seconds - 1) for guess, seconds in zip(fitted, frame["seconds"], strict=True)]
    return Explained(float(ranks["fitted"].corr(ranks["seconds"])), median(errors))


def _predicted(others: "pandas.DataFrame", columns: list[str], network: "pandas.Series[float]") -> float:
    coefficients = _fit(others, columns)
    return sum(float(coefficient * network[column]) for coefficient, column in zip(coefficients, columns, strict=True))


def _fit(frame: "pandas.DataFrame", columns: list[str]) -> list[float]:
    """Return the least squares of (a flops + b bytes) / seconds - 1; a negative coefficient's column is left out."""
    import numpy

    scaled = frame[columns].div(frame["seconds"], axis=0).to_numpy(dtype=float)
    found = numpy.linalg.lstsq(scaled, numpy.ones(len(frame)), rcond=None)[0]
    if len(columns) == 1 or (found >= 0).all():
        return [float(each) for each in found]
    kept = int(numpy.argmax(found))
    (alone,) = _fit(frame, [columns[kept]])
    return [alone if number == kept else 0.0 for number in range(len(columns))]
