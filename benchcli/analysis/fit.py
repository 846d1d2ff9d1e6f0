"""Predict measured times from FLOPs and memory access, and measure the error on unseen architectures."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from statistics import median
from typing import TYPE_CHECKING, Literal

from benchcli.statistics import rank_correlation

if TYPE_CHECKING:
    import numpy
    import numpy.typing

    Array = numpy.typing.NDArray[numpy.float64]

Metric = Literal["FLOPs", "memory access", "FLOPs and memory access"]


@dataclass(frozen=True)
class Point:
    """One network's costs and its seconds per call."""

    architecture: str
    """Networks of one architecture, such as all widths of MobileNet V2, share it."""
    flops: int
    mac_bytes: int
    seconds: float


@dataclass(frozen=True)
class Predictor:
    """A formula for the time, with its number of fitted parameters."""

    formula: str
    metric: Metric
    parameters: int
    fit: "Callable[[Sequence[Point]], Callable[[Point], float]]"
    """Fits the parameters to networks, and returns a function from a network to its seconds."""


@dataclass(frozen=True)
class Prediction:
    """How well a predictor predicts architectures that it was not fitted to."""

    predictor: Predictor
    rank_correlation: float
    """Spearman's rank correlation of predicted and measured times."""
    error: float
    """Median of |predicted / measured - 1|."""


def predictions(points: Sequence[Point]) -> list[Prediction]:
    """Return how well each predictor predicts the times.

    Every network is predicted from a fit to all networks of the other architectures: the widths of
    one architecture resemble each other, so leaving out one network alone would flatter the fit.
    """
    return [_prediction(predictor, points) for predictor in PREDICTORS]


def best(candidates: Sequence[Prediction], metric: Metric, parameters: int) -> Prediction:
    """Return the prediction with the least error for a metric and a number of parameters."""
    of_kind = [
        each for each in candidates if (each.predictor.metric, each.predictor.parameters) == (metric, parameters)
    ]
    return min(of_kind, key=lambda prediction: prediction.error)


def _prediction(predictor: Predictor, points: Sequence[Point]) -> Prediction:
    fitted = []
    for point in points:
        others = [other for other in points if other.architecture != point.architecture]
        fitted.append(predictor.fit(others)(point))
    correlation = rank_correlation(fitted, [point.seconds for point in points])
    errors = [abs(value / point.seconds - 1) for value, point in zip(fitted, points, strict=True)]
    return Prediction(predictor, math.nan if correlation is None else correlation, median(errors))


def _linear(*terms: Callable[[Point], float]) -> Callable[[Sequence[Point]], Callable[[Point], float]]:
    """Return a fit of a sum of terms, each with a coefficient that is not negative."""

    def fit(points: Sequence[Point]) -> Callable[[Point], float]:
        fitted = coefficients([[term(point) for term in terms] for point in points], [each.seconds for each in points])
        return lambda point: sum(factor * term(point) for factor, term in zip(fitted, terms, strict=True))

    return fit


def coefficients(terms: Sequence[Sequence[float]], seconds: Sequence[float]) -> list[float]:
    """Return the factors of terms, none negative, whose sums are next to the seconds of networks.

    `terms` has a row for each network. The squares of relative errors are least, so that large networks do
    not outweigh small ones.
    """
    import numpy

    scaled = numpy.array([[term / each for term in row] for row, each in zip(terms, seconds, strict=True)])
    return [float(each) for each in _not_negative(scaled, numpy.ones(len(seconds)))]


def _not_negative(columns: "Array", target: "Array") -> "Array":
    """Return least-squares coefficients; while one is negative, its column is left out."""
    import numpy

    kept = list(range(columns.shape[1]))
    while True:
        fitted = numpy.linalg.lstsq(columns[:, kept], target, rcond=None)[0]
        if len(kept) == 1 or (fitted >= 0).all():
            found = numpy.zeros(columns.shape[1])
            found[kept] = fitted
            return found
        del kept[int(numpy.argmin(fitted))]


def _power(metric: Callable[[Point], float]) -> Callable[[Sequence[Point]], Callable[[Point], float]]:
    """Return a fit of a * metric^p, by least squares of logarithms."""

    def fit(points: Sequence[Point]) -> Callable[[Point], float]:
        import numpy

        logs = numpy.array([[math.log(metric(point)), 1.0] for point in points])
        seconds = numpy.array([math.log(point.seconds) for point in points])
        power, constant = (float(each) for each in numpy.linalg.lstsq(logs, seconds, rcond=None)[0])
        return lambda point: math.exp(constant) * metric(point) ** power

    return fit


def _flops(point: Point) -> float:
    return float(point.flops)


def _bytes(point: Point) -> float:
    return float(point.mac_bytes)


def _one(_point: Point) -> float:
    return 1.0


PREDICTORS: Sequence[Predictor] = (
    Predictor("a·F", "FLOPs", 1, _linear(_flops)),
    Predictor("a·B", "memory access", 1, _linear(_bytes)),
    Predictor("a·F + c", "FLOPs", 2, _linear(_flops, _one)),
    Predictor("a·F^p", "FLOPs", 2, _power(_flops)),
    Predictor("a·B + c", "memory access", 2, _linear(_bytes, _one)),
    Predictor("a·B^p", "memory access", 2, _power(_bytes)),
    Predictor("a·F + b·B", "FLOPs and memory access", 2, _linear(_flops, _bytes)),
)
"""F is FLOPs, B the bytes of unfused memory access, c a constant time."""
