"""Changes of a series: found where they are, of their size, and not where there are none."""

import math

import numpy as np
import pytest

from benchcli.analysis.change_points import LEAST_CHANGE, Values, drift, spread, steps, without_outliers

NOISE = 0.005
"""The standard deviation of a run."""


def noise(runs: int, seed: int = 0) -> Values:
    return np.random.default_rng(seed).normal(0, NOISE, runs)


def test_steps_are_found_where_they_are_and_of_their_size() -> None:
    levels = np.repeat([0.0, math.log(0.97), math.log(1.02)], 25)
    found = steps(levels + noise(75))
    assert [each.place for each in found] == [25, 50]
    assert [math.exp(each.change) for each in found] == pytest.approx([0.97, 1.02 / 0.97], abs=0.005)
    assert max(each.p_value for each in found) < 1e-6
    assert drift(levels) is None


def test_two_per_cent_are_found_after_five_runs() -> None:
    step = np.repeat([0.0, math.log(0.98)], [30, 5])
    found = [[each.place for each in steps(step + noise(35, seed))] for seed in range(100)]
    assert sum(len(places) == 1 and abs(places[0] - 30) <= 2 for places in found) >= 95


def test_equal_runs_rarely_seem_to_change() -> None:
    series = [noise(50, seed) for seed in range(200)]
    assert sum(bool(steps(each)) for each in series) <= 5
    assert sum(drift(each) is not None for each in series) <= 1


def test_values_without_any_noise_change_only_where_they_do() -> None:
    assert steps([0.0] * 30) == []
    assert [(each.place, each.p_value) for each in steps([0.0] * 10 + [0.1] * 10)] == [(10, 0.0)]
    assert steps([0.0] * 10 + [LEAST_CHANGE / 2] * 10) == []


@pytest.mark.parametrize("length", range(8))
def test_a_short_series_has_no_change(length: int) -> None:
    assert drift([0.0, 1.0] * (length // 2)) is None
    assert steps(noise(length)) == []
    assert steps([]) == []


def test_a_slow_drift_is_found_from_its_beginning_and_a_step_is_none() -> None:
    slope = math.log(0.995)
    found = drift(np.concatenate([np.zeros(30), slope * np.arange(1, 21)]) + noise(50))
    assert found is not None
    assert abs(found.first - 30) <= 5
    assert found.change == pytest.approx(slope * (50 - found.first), abs=0.02)
    assert drift(np.repeat([0.0, -0.05], [10, 10]) + noise(20)) is None


def test_outliers_are_set_to_what_is_near_them_and_steps_stay() -> None:
    series = np.repeat([0.0, -0.05], [20, 20]) + noise(40)
    disturbed = series.copy()
    disturbed[[5, 12, 13, 30]] -= 0.3
    cleaned = without_outliers(disturbed)
    assert np.abs(cleaned - series).max() < 4 * NOISE
    assert np.abs(without_outliers(series) - series).max() < 4 * NOISE
    assert [each.place for each in steps(disturbed)] == [20]
    assert steps(noise(20) - 0.3 * (np.arange(20) >= 17)) == []  # three at the end may be outliers


def test_the_spread_does_not_see_steps() -> None:
    assert spread(np.repeat([0.0, 1.0, 0.5], 100) + noise(300)) == pytest.approx(NOISE, rel=0.2)
