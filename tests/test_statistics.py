import math
import random

import pytest

from benchcli.statistics import interval_over_launches, launch_log_ratios, launch_log_seconds, student_t_quantile
from tests.values import sample


@pytest.mark.parametrize(
    ("degrees", "quantile"),
    # The usual printed table of the 97.5 % point.
    [(1, 12.706), (2, 4.303), (3, 3.182), (4, 2.776), (5, 2.571), (6, 2.447), (9, 2.262), (30, 2.042), (120, 1.980)],
)
def test_quantiles_are_those_of_the_printed_table(degrees: int, quantile: float) -> None:
    assert student_t_quantile(0.975, degrees) == pytest.approx(quantile, abs=6e-4)


def test_a_ratio_is_paired_by_round_and_the_median_is_taken_within_a_launch() -> None:
    baseline = [sample("a", 0, r, seconds) for r, seconds in enumerate((1.0, 2.0, 10.0))]
    variant = [sample("b", 0, r, seconds) for r, seconds in enumerate((2.0, 4.0, 10.0))]
    assert launch_log_ratios(baseline, variant) == {0: pytest.approx(math.log(0.5))}


def test_rounds_without_a_partner_do_not_count() -> None:
    assert launch_log_ratios([sample("a", 0, 0, 1.0)], [sample("b", 0, 1, 1.0), sample("b", 1, 0, 1.0)]) == {}


def test_seconds_are_medians_by_launch() -> None:
    samples = [
        sample("a", launch, r, seconds) for launch, r, seconds in ((0, 0, 1.0), (0, 1, 3.0), (0, 2, 2.0), (1, 0, 5.0))
    ]
    assert launch_log_seconds(samples) == {0: pytest.approx(math.log(2)), 1: pytest.approx(math.log(5))}


def test_one_launch_has_an_estimate_but_no_interval() -> None:
    interval = interval_over_launches({0: math.log(2)})
    assert interval.estimate == pytest.approx(2)
    assert interval.low is None
    assert interval.half_width is None


def test_two_launches_give_the_interval_worked_by_hand() -> None:
    interval = interval_over_launches({0: 0.0, 1: 0.2})
    half = 12.7062 * 0.1  # t with one degree of freedom times s / sqrt(2), s = 0.2 / sqrt(2)
    assert interval.low == pytest.approx(math.exp(0.1 - half), rel=1e-4)
    assert interval.high == pytest.approx(math.exp(0.1 + half), rel=1e-4)


def test_the_interval_covers_as_often_as_it_claims_when_launches_differ() -> None:
    rng = random.Random(1)
    covered = 0
    for _ in range(4000):
        truth = {launch: rng.gauss(0.0, 0.01) for launch in range(6)}
        interval = interval_over_launches(truth)
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 1.0 <= interval.high
    assert 0.94 <= covered / 4000 <= 0.96


def test_counting_rounds_as_evidence_would_not_cover() -> None:
    """Why the launch is the unit: rounds of one launch share its offset."""
    rng = random.Random(2)
    covered = 0
    for _ in range(500):
        rounds = {}
        for launch in range(6):
            offset = rng.gauss(0.0, 0.01)
            rounds.update({launch * 100 + r: offset + rng.gauss(0.0, 0.005) for r in range(20)})
        interval = interval_over_launches(rounds)
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 1.0 <= interval.high
    assert covered / 500 < 0.6
