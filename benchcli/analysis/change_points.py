"""Find when a series of speeds changed: in steps, or slowly.

Steps are found by E-divisive means (Matteson and James, JASA 109, 2014) within windows, with Student's
t in place of the permutation test, as Fleming et al. (ICPE 2023) do for nightly benchmarks. A slow
drift is a line that fits better than a step.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchcli.statistics import student_t_probability

Values = NDArray[np.float64]
WINDOW = 50
"""The runs of a window in which a change is looked for; the next window begins in the middle of it."""
LEAST_RUNS = 3
"""The fewest runs on either side of a change: one or two are outliers."""
P_VALUE = 1e-4
"""The largest p-value of a change; chosen by `benchmarks/history_power.py`, as the others."""
FIRST_P_VALUE = 1e-3
"""The largest p-value of a change before its neighbours are known."""
LEAST_CHANGE = 0.005
"""The least change that is reported: between two runs, equal networks differ by as much."""
DRIFT_RUNS = (10, 15, 20, 30, 50)
"""The numbers of last runs in which a drift is looked for, besides all runs."""
DRIFT_P_VALUE = 1e-5
LEAST_DRIFT = 0.01
"""The least change in all that is a drift."""
NEAR = 3
"""The runs on either side with which a run is compared, to see whether it is an outlier."""
MOST_APART = 4.0
"""The largest distance of a run from the median of those near it, in standard deviations."""
NORMAL_MAD = 0.6745
"""The median absolute deviation of the standard normal distribution."""


@dataclass(frozen=True)
class Shift:
    """A change of level."""

    place: int
    """The number of the first value after it, from 0."""
    change: float
    """The logarithm of the level after it over that before."""
    p_value: float


@dataclass(frozen=True)
class Drift:
    """A slow change of the last values."""

    first: int
    """The number of the value with which it begins; it goes on to the end."""
    change: float
    """The change of the logarithm in all."""
    p_value: float


def steps(values: Sequence[float] | Values) -> list[Shift]:
    """Return the changes of level in a series of logarithms, in its order."""
    series = without_outliers(np.asarray(values, dtype=np.float64))
    places = _divided(series)
    while True:
        found = _judged(series, places)
        weakest = max(found, key=lambda each: (not _is_large(each), each.p_value), default=None)
        if weakest is None or (weakest.p_value <= P_VALUE and _is_large(weakest)):
            return found
        places = [place for place in places if place != weakest.place]


def drift(values: Sequence[float] | Values) -> Drift | None:
    """Return the slow change of the last values of a series of logarithms; None if there is none.

    Of the last 10 values, and ever more, those count whose line is the most certain; a line must fit
    better than a step in the same place.
    """
    series = without_outliers(np.asarray(values, dtype=np.float64))
    lengths = [length for length in (*DRIFT_RUNS, len(series)) if length <= len(series)]
    found = [_drift(series, len(series) - length) for length in lengths if length >= DRIFT_RUNS[0]]
    certain = [each for each in found if each and each.p_value <= DRIFT_P_VALUE and abs(each.change) >= LEAST_DRIFT]
    return min(certain, key=lambda each: each.p_value, default=None)


def _drift(series: Values, first: int) -> Drift | None:
    """Return the line through the values from `first` on; None if a step fits better."""
    values = series[first:]
    x = np.arange(len(values)) - (len(values) - 1) / 2
    slope = float(x @ values / (x @ x))
    rest = _squares(values - slope * x)
    split = _best_split(values)
    if _squares(values[:split]) + _squares(values[split:]) <= rest:
        return None
    error = math.sqrt(rest / (len(values) - 2) / float(x @ x))
    return Drift(first, slope * (len(values) - 1), _p_value(slope, error, len(values) - 2))


def without_outliers(series: Values) -> Values:
    """Return the series with values far from their neighbours set to the median of these (a Hampel filter).

    Up to three outliers in a row are found; four are a change.
    """
    last = len(series) - 2 * NEAR - 1
    if last < 0:
        return series
    limit = MOST_APART * spread(series)
    medians = np.median(np.lib.stride_tricks.sliding_window_view(series, 2 * NEAR + 1), axis=1)
    middle = medians[np.clip(np.arange(len(series)) - NEAR, 0, last)]
    return np.where(np.abs(series - middle) > limit, middle, series)


def spread(series: Values) -> float:
    """Return the standard deviation of a series without its steps: that of the differences of neighbours, by MAD."""
    return float(np.median(np.abs(np.diff(series)))) / NORMAL_MAD / math.sqrt(2)


def _divided(series: Values, offset: int = 0) -> list[int]:
    """Return the places where the series, and then its parts, may have changed."""
    judged = []
    for first in range(0, len(series) - 2 * LEAST_RUNS + 1, WINDOW // 2):
        window = series[first : first + WINDOW]
        split = _best_split(window)
        judged.append((_t_test(window, split), first + split))
    p_value, place = min(judged, default=(1.0, 0))
    if p_value > FIRST_P_VALUE:
        return []
    return [*_divided(series[:place], offset), offset + place, *_divided(series[place:], offset + place)]


def _judged(series: Values, places: Sequence[int]) -> list[Shift]:
    """Return the changes at some places, each between its neighbours."""
    ends = [0, *places, len(series)]
    return [
        _step(series[before:after], place - before, place)
        for before, place, after in zip(ends, ends[1:], ends[2:], strict=False)
    ]


def _step(part: Values, split: int, place: int) -> Shift:
    return Shift(place, float(part[split:].mean() - part[:split].mean()), _t_test(part, split))


def _is_large(step: Shift) -> bool:
    return abs(step.change) >= LEAST_CHANGE


def _best_split(values: Values) -> int:
    """Return the place that divides values into the two parts of the largest energy distance."""
    distances = np.abs(values[:, None] - values[None, :]).cumsum(axis=0).cumsum(axis=1)
    left = np.arange(LEAST_RUNS, len(values) - LEAST_RUNS + 1)
    right = len(values) - left
    within, whole = distances[left - 1, left - 1], distances[-1, -1]
    across = distances[left - 1, -1] - within
    beyond = whole - within - 2 * across
    energy = 2 * across / (left * right) - within / (left * (left - 1)) - beyond / (right * (right - 1))
    return int(left[np.argmax(energy * left * right)])


def _t_test(values: Values, split: int) -> float:
    """Return the p-value of Student's t-test of equal means of two parts."""
    left, right = values[:split], values[split:]
    degrees = len(values) - 2
    error = math.sqrt((_squares(left) + _squares(right)) / degrees * (1 / len(left) + 1 / len(right)))
    return _p_value(float(right.mean() - left.mean()), error, degrees)


def _squares(values: Values) -> float:
    return float(((values - values.mean()) ** 2).sum())


def _p_value(difference: float, error: float, degrees: int) -> float:
    if error == 0:
        return 0.0 if difference else 1.0
    return 2 * (1 - student_t_probability(abs(difference) / error, degrees))
