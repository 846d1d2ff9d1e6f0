import math
import random
from collections.abc import Callable
from dataclasses import replace
from statistics import mean, stdev

import pytest

from benchcli.sampling.timings import FirstSetting
from benchcli.schema import Interval, Sample
from benchcli.statistics import (
    are_paired,
    interval_after_looks,
    interval_over_launches,
    launch_log_means,
    launch_log_ratios,
    launch_log_seconds,
    log_evidence,
    modes,
    signed_rank_cumulative,
    signed_rank_tail,
    standard_errors_of_evidence,
    student_t_quantile,
)
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


def test_the_mean_of_a_launch_tells_of_a_call_that_took_long() -> None:
    baseline = [sample("a", 0, number, 1.0) for number in range(4)]
    variant = [sample("b", 0, number, 5.0 if number == 2 else 1.0) for number in range(4)]
    assert launch_log_ratios(baseline, variant) == {0: 0.0}
    assert launch_log_means(baseline, variant) == {0: pytest.approx(math.log(4 / 8))}
    held_up = [replace(each, excluded="preempted") if each.seconds > 1 else each for each in variant]
    assert launch_log_means(baseline, held_up) == {0: 0.0}
    assert launch_log_means(baseline, []) == {}


def test_seconds_are_medians_by_launch() -> None:
    samples = [
        sample("a", launch, r, seconds) for launch, r, seconds in ((0, 0, 1.0), (0, 1, 3.0), (0, 2, 2.0), (1, 0, 5.0))
    ]
    assert launch_log_seconds(samples) == {0: pytest.approx(math.log(2)), 1: pytest.approx(math.log(5))}


def test_one_launch_has_an_estimate_but_no_interval() -> None:
    interval = interval_over_launches({0: math.log(2)})
    assert interval.estimate == pytest.approx(2)
    assert interval.low is None
    assert interval.relative_half_width is None


def test_samples_that_were_excluded_do_not_count_where_there_are_enough_others() -> None:
    baseline = [sample("a", 0, r, 1.0) for r in range(7)]
    clean = [sample("b", 0, r, 2.0) for r in range(3)]
    held_up = [sample("b", 0, r, 90.0, excluded="preempted") for r in range(3, 7)]
    assert launch_log_ratios(baseline, clean + held_up) == {0: pytest.approx(math.log(1 / 2))}
    # One clean round is not enough: then disturbance is what the launch was like, and all count.
    assert launch_log_ratios(baseline, clean[:1] + held_up)[0] == pytest.approx(math.log(1 / 90))
    # A round counts where both samples do.
    waiting = [sample("a", 0, r, 30.0, excluded="preempted") for r in range(4)]
    variant = [sample("b", 0, r, 2.0) for r in range(7)]
    assert launch_log_ratios(waiting + baseline[4:], variant)[0] == pytest.approx(math.log(1 / 2))
    slow = [sample("b", 0, r, 4.0 if r else 2.0, excluded="preempted" if r else None) for r in range(4)]
    assert launch_log_seconds(slow) == {0: pytest.approx(math.log(4.0))}


def test_pairs_of_one_slow_core_count_where_there_are_no_others() -> None:
    """Two processes that take turns need not be on a slow core at the same time."""

    def of_launches(name: str, slow: str) -> list[Sample]:
        """Return six launches of rounds, which take twice as long on a slow core."""
        return [
            sample(name, launch, r, 2.0 if each == "s" else 1.0, excluded="slow-core" if each == "s" else None)
            for launch in range(6)
            for r, each in enumerate(slow)
        ]

    def pairs(states: str) -> tuple[list[Sample], list[Sample]]:
        """Return samples of rounds: u, both on a usual core; s, both on a slow one; x, the second alone."""
        return of_launches("a", states.replace("x", "u")), of_launches("b", states.replace("x", "s"))

    for states, ratio, are in (("ux", 1.0, True), ("sx", 1.0, True), ("x", 0.5, False), ("usx", 1.0, True)):
        one, other = pairs(states)
        assert list(launch_log_ratios(one, other).values()) == [pytest.approx(math.log(ratio))] * 6
        assert are_paired(one, other) == are
        speed = FirstSetting({"b": one}, {}).speed_of("b", other, 1)
        assert speed
        assert speed.low == (pytest.approx(1.0) if are else None)


def test_two_launches_give_the_interval_worked_by_hand() -> None:
    interval = interval_over_launches({0: 0.0, 1: 0.2})
    half = 12.7062 * 0.1  # t with one degree of freedom times s / sqrt(2), s = 0.2 / sqrt(2)
    assert interval.low == pytest.approx(math.exp(0.1 - half), rel=1e-4)
    assert interval.high == pytest.approx(math.exp(0.1 + half), rel=1e-4)


def normal(rng: random.Random) -> float:
    return rng.gauss(0.0, 0.01)


def two_modes(rng: random.Random) -> float:
    return rng.choice((-0.05, 0.0, 0.0, 0.05)) + rng.gauss(0.0, 0.003)


def bursts(rng: random.Random) -> float:
    return rng.gauss(0.0, 0.1 if rng.random() < 0.1 else 0.01)


# Student's t, which fewer than six launches get, is for the normal case.
CASES = [(n, normal) for n in (2, 5)] + [(n, each) for n in (6, 8, 16, 61) for each in (normal, two_modes, bursts)]


@pytest.mark.parametrize(("launches", "launch"), CASES)
def test_the_interval_covers_as_often_as_it_claims(launches: int, launch: Callable[[random.Random], float]) -> None:
    rng = random.Random(1)
    trials = 400 if launches > 20 else 3000
    covered = 0
    for _ in range(trials):
        interval = interval_over_launches({number: launch(rng) for number in range(launches)})
        assert interval.low is not None
        assert interval.high is not None
        covered += interval.low <= 1.0 <= interval.high
    assert abs(covered / trials - 0.95) <= 3 * math.sqrt(0.95 * 0.05 / trials) + 0.002


def test_one_bad_launch_moves_neither_the_estimate_nor_the_interval_far() -> None:
    steady = {launch: 0.001 * (launch % 3 - 1) for launch in range(12)}
    burst = {**steady, 12: 0.5}
    interval = interval_over_launches(burst)
    assert interval.estimate == pytest.approx(1.0, abs=0.001)
    assert interval.high is not None
    assert interval.high < 1.01


@pytest.mark.parametrize(("n", "rank_sum", "probability"), [(6, 0, 1 / 64), (8, 3, 5 / 256), (8, 4, 7 / 256)])
def test_signed_ranks_are_counted_as_in_the_printed_table(n: int, rank_sum: int, probability: float) -> None:
    assert signed_rank_cumulative(n)[rank_sum] == pytest.approx(probability)


def test_the_normal_approximation_meets_the_exact_ranks(monkeypatch: pytest.MonkeyPatch) -> None:
    exact = sum(signed_rank_tail(60, 0.025))
    signed_rank_tail.cache_clear()
    monkeypatch.setattr("benchcli.statistics.EXACT_RANKS", 50)
    assert sum(signed_rank_tail(60, 0.025)) == pytest.approx(exact, abs=1)
    signed_rank_tail.cache_clear()


def test_a_thousand_launches_have_an_interval() -> None:
    rng = random.Random(4)
    interval = interval_over_launches({launch: rng.gauss(0.0, 0.01) for launch in range(1000)})
    assert interval.relative_half_width == pytest.approx(1.96 * 0.01 / math.sqrt(1000), rel=0.1)


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


def test_the_interval_of_a_run_is_the_plain_one_until_it_is_looked_at() -> None:
    swinging = {launch: 0.01 * (-1) ** launch * (launch % 3 + 1) for launch in range(8)}
    assert interval_after_looks(swinging) == interval_over_launches(swinging, 0.055)
    assert interval_after_looks({0: 0.1, 1: 0.2}) == interval_over_launches({0: 0.1, 1: 0.2})
    assert interval_after_looks(dict.fromkeys(range(9), 0.0)) == Interval(1.0, 1.0, 1.0)


@pytest.mark.parametrize(("launches", "error"), [(16, 0.04625), (40, 0.03678)])
def test_the_level_of_a_run_rises_with_its_launches(launches: int, error: float) -> None:
    swinging = {launch: (0.01 + 0.0007 * launch) * (-1) ** launch for launch in range(launches)}
    looked, plain = interval_after_looks(swinging), interval_over_launches(swinging, error)
    assert looked.estimate == plain.estimate
    assert looked.low == pytest.approx(plain.low, rel=1e-4)
    assert interval_over_launches(swinging).low > looked.low  # type: ignore[operator]


@pytest.mark.parametrize(
    ("order", "correlation"),
    [((1, 1, 1, 1, -1, -1, -1, -1), 0.5), ((1, 1, -1, -1, 1, 1, -1, -1), 0.4), ((1, -1) * 4, 0.0)],
)
def test_neighbours_that_resemble_each_other_widen_the_interval_of_a_run(
    order: tuple[int, ...], correlation: float
) -> None:
    """The correlations seen are 5/8, 1/8 and -7/8; without bias 6/5, of which 0.5 counts, 0.4 and less than 0."""
    values = {launch: 0.01 * sign for launch, sign in enumerate(order)}
    looked, plain = interval_after_looks(values), interval_over_launches(values, 0.055)
    assert looked.high is not None
    assert plain.high is not None
    factor = math.log(looked.high) / math.log(plain.high)
    assert factor == pytest.approx(math.sqrt((1 + correlation) / (1 - correlation)))


def test_the_evidence_of_values_worked_by_hand() -> None:
    # Mean 2, squares of deviations 2, n = 2: signal 8, prior variance ratio 13.
    assert log_evidence([1.0, 3.0]) == pytest.approx(math.log((2 + 8) / (2 + 8 / 13)) - math.log(13) / 2)
    assert log_evidence([1.0, 3.0], inflation=2.0) == pytest.approx(math.log((4 + 8) / (4 + 8 / 13)) - math.log(13) / 2)
    assert log_evidence([5.0]) == 0.0
    assert log_evidence([0.0, 0.0]) == -math.log(13) / 2
    assert log_evidence([2.0] * 5) == pytest.approx(2 * math.log(31))


def test_evidence_that_is_looked_at_after_every_value_seldom_errs() -> None:
    rng = random.Random(7)
    errors = 0
    for _ in range(2000):
        values = [rng.gauss(0.0, 1.0) for _ in range(30)]
        errors += any(log_evidence(values[:n]) >= math.log(20) for n in range(2, 31))
    assert errors / 2000 <= 0.05


@pytest.mark.parametrize(("n", "inflation", "evidence"), [(6, 1.0, 3.0), (12, 1.5, 5.0), (40, 2.5, 9.0)])
def test_the_standard_errors_that_evidence_takes_give_it(n: int, inflation: float, evidence: float) -> None:
    rng = random.Random(8)
    values = [rng.gauss(0.0, 1.0) for _ in range(n)]
    error, middle = stdev(values) / math.sqrt(n), mean(values)
    moved = [value - middle + error * standard_errors_of_evidence(n, inflation, evidence) for value in values]
    assert log_evidence(moved, inflation) == pytest.approx(evidence)


def test_two_modes_are_found_where_launches_fall_apart() -> None:
    rng = random.Random(3)
    values = [math.log(0.66 if n % 10 < 7 else 0.94) + rng.gauss(0, 0.01) for n in range(20)]
    slower, faster = modes(values)
    assert (slower.share, faster.share) == (0.7, 0.3)
    assert slower.speed == pytest.approx(0.66, rel=0.02)
    assert faster.speed == pytest.approx(0.94, rel=0.02)
    assert modes(reversed(values)) == (slower, faster)


def test_one_mode_few_launches_and_modes_that_hardly_differ_are_no_two_modes() -> None:
    rng = random.Random(3)
    assert modes(rng.gauss(0, 0.03) for _ in range(30)) == ()
    assert modes([0.0] * 6 + [0.5] * 5) == ()
    assert modes([0.0] * 10 + [0.019] * 10) == ()
    assert modes([0.0] * 28 + [0.5] * 2) == ()  # two launches make no mode
    assert len(modes([0.0] * 10 + [0.021] * 10)) == 2
