"""Fit measured times to FLOPs and memory access cost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas


@dataclass(frozen=True)
class Point:
    """One network's costs and its seconds per call."""

    flops: int
    mac_bytes: int
    seconds: float


@dataclass(frozen=True)
class Explained:
    """How well a metric explains time."""

    rank_correlation: float
    """Spearman's rank correlation of fitted and measured times."""
    error: float
    """Median of |fitted / measured - 1|, each network predicted from a fit of all others."""


FLOPS = "FLOPs"
METRICS: Mapping[str, tuple[str, ...]] = {
    FLOPS: ("flops",),
    "memory access": ("mac_bytes",),
    "both": ("flops", "mac_bytes"),
}


def explain(points: Sequence[Point]) -> dict[str, Explained]:
    """Fit seconds = a flops + b bytes (additive roofline), with both terms and with either alone.

    Coefficients are never negative. The fit minimises relative errors, so that large networks do
    not outweigh small ones.
    """
    import pandas

    frame = pandas.DataFrame([vars(point) for point in points])
    return {name: _cross_validate(frame, list(columns)) for name, columns in METRICS.items()}


def _cross_validate(frame: "pandas.DataFrame", columns: list[str]) -> Explained:
    fitted = [_predict(frame.drop(index=row), columns, frame.loc[row]) for row in frame.index]
    pairs = frame.assign(fitted=fitted)
    ranks = pairs[["fitted", "seconds"]].rank()
    errors = [abs(estimate / seconds - 1) for estimate, seconds in zip(fitted, frame["seconds"], strict=True)]
    return Explained(float(ranks["fitted"].corr(ranks["seconds"])), median(errors))


def _predict(others: "pandas.DataFrame", columns: list[str], network: "pandas.Series[float]") -> float:
    coefficients = _fit(others, columns)
    return sum(float(coefficient * network[column]) for coefficient, column in zip(coefficients, columns, strict=True))


def _fit(frame: "pandas.DataFrame", columns: list[str]) -> list[float]:
    """Return the coefficients that minimise the squares of (a flops + b bytes) / seconds - 1.

    If one is negative, the fit uses the other column alone and returns 0 for this one.
    """
    import numpy

    scaled = frame[columns].div(frame["seconds"], axis=0).to_numpy(dtype=float)
    coefficients = numpy.linalg.lstsq(scaled, numpy.ones(len(frame)), rcond=None)[0]
    if len(columns) == 1 or (coefficients >= 0).all():
        return [float(each) for each in coefficients]
    kept = int(numpy.argmax(coefficients))
    (coefficient,) = _fit(frame, [columns[kept]])
    return [coefficient if number == kept else 0.0 for number in range(len(columns))]
