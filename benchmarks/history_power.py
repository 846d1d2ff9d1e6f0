"""Simulate histories, and count what is found.  python benchmarks/history_power.py [--series 200] [--noise 0.5 1]

Each series has 60 runs; a change begins after 30. It is looked at after every run, as one who watches a
store would. Printed are, for steps and drifts, how many were found within so many runs, and for series
without a change the false alarms in 1,000 runs. The noise of a run is normal, with a standard deviation
in per cent; with `--store`, it is drawn from the runs of a store, as they deviate from the median of
their networks.
"""

import argparse
import math
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchcli.analysis.change_points import drift, steps
from benchcli.analysis.stored_series import history_of

Values = NDArray[np.float64]
RUNS, CHANGED = 60, 30
"""The runs of a series, and those before the change."""
NEAR = 3
"""How far from its true place a step may be found."""


def after_step(size: float) -> Callable[[Values], Values]:
    """Return the function that makes a series slower from one run to the next."""
    return lambda noise: noise + np.where(np.arange(RUNS) >= CHANGED, math.log1p(-size), 0.0)


def in_drift(size: float) -> Callable[[Values], Values]:
    """Return the function that makes every run slower than the one before."""
    return lambda noise: noise + math.log1p(-size) * np.maximum(0, np.arange(RUNS) - CHANGED + 1)


def with_outliers(noise: Values) -> Values:
    """Return a series in which one run in 20, at random, is up to 30 % slower."""
    draw = np.random.default_rng(int(abs(noise[0]) * 1e9))
    return noise - np.where(draw.random(RUNS) < 0.05, draw.random(RUNS) * 0.3, 0.0)


CASES: dict[str, tuple[Callable[[Values], Values], int]] = {
    "step 1 %": (after_step(0.01), 5),
    "step 2 %": (after_step(0.02), 5),
    "step 5 %": (after_step(0.05), 5),
    "step 2 %, outliers": (lambda noise: after_step(0.02)(with_outliers(noise)), 5),
    "drift 0.5 % a run": (in_drift(0.005), 10),
}
UNCHANGED: dict[str, Callable[[Values], Values]] = {"none": lambda noise: noise, "outliers": with_outliers}


def is_found(series: Values, within: int) -> bool:
    """Return whether the change is reported in the place where it is, so many runs after it."""
    seen = series[: CHANGED + within]
    slow = drift(seen)
    return slow is not None or any(abs(each.place - CHANGED) <= NEAR for each in steps(seen) if each.change < 0)


def false_alarms(series: Values) -> int:
    """Return the changes that are reported of an unchanged series after any run, those of one place once."""
    places = list[int]()
    for end in range(1, RUNS + 1):
        slow = drift(series[:end])
        for place in [*(each.place for each in steps(series[:end])), *([slow.first] if slow else [])]:
            if all(abs(place - other) > NEAR for other in places):
                places.append(place)
    return len(places)


def normal(sd: float, rng: np.random.Generator) -> Callable[[], Values]:
    """Return a source of noise."""
    return lambda: rng.normal(0, sd, RUNS)


def recorded(store: Path, rng: np.random.Generator) -> Callable[[], Values]:
    """Return a source of the noise of a store's runs: a block of consecutive runs of a network, again and again."""
    deviations = list[Sequence[float]]()
    for series in history_of(store).series:
        logs = [math.log(point.speed.estimate) for point in series.points]
        middle = float(np.median(logs))
        deviations.append([log - middle for log in logs])

    def noise() -> Values:
        own = deviations[rng.integers(len(deviations))]
        return np.resize(np.roll(own, int(rng.integers(len(own)))), RUNS)

    sd = float(np.median([np.std(each) for each in deviations]))
    print(f"{len(deviations)} networks, {len(deviations[0])} runs, standard deviation {sd:.2%} (median)")
    return noise


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--series", type=int, default=200)
    parser.add_argument("--noise", type=float, nargs="+", default=[0.3, 0.5, 0.7, 1.0, 1.5])
    parser.add_argument("--store", type=Path)
    arguments = parser.parse_args()
    rng = np.random.default_rng(1)
    if arguments.store:
        sources = {"recorded": recorded(arguments.store, rng)}
    else:
        sources = {f"{percent:g} %": normal(percent / 100, rng) for percent in arguments.noise}
    for name, noise in sources.items():
        print(f"noise {name}, {arguments.series} series each")
        for case, (changed, within) in CASES.items():
            found = sum(is_found(changed(noise()), within) for _ in range(arguments.series))
            print(f"  {case:<20} {found / arguments.series:6.1%} found within {within} runs", flush=True)
        for case, unchanged in UNCHANGED.items():
            alarms = sum(false_alarms(unchanged(noise())) for _ in range(arguments.series))
            print(f"  {case:<20} {alarms / arguments.series / RUNS * 1000:6.2f} false alarms in 1,000 runs", flush=True)


if __name__ == "__main__":
    main()
