"""The gate's rules, by hand and by simulation: how often they cry wolf, and how often they miss."""

import math
import random
from dataclasses import replace

import pytest

from benchcli.checks.rules import (
    SAME_LOOKS,
    CostChange,
    Speed,
    cost_changes,
    decide,
    describe,
    difference,
    differences_of,
    judge,
    with_mean,
)
from benchcli.guards.outputs import fingerprint
from benchcli.schema import Costs, Interval, OutputPart
from tests.values import COSTS


def logs(*percents: float) -> dict[int, float]:
    return {launch: math.log1p(percent / 100) for launch, percent in enumerate(percents)}


STILL = logs(0.1, -0.1, 0.0, 0.2, -0.2, 0.1, 0.0)


def test_a_clear_change_is_found_by_a_few_launches_and_more_networks_take_more() -> None:
    steady = [10.0, 10.4, 9.7, 10.1, 9.8, 10.3, 10.0, 9.9]
    still = [0.1, -0.2, 0.2, 0.0, -0.1, 0.1, -0.1, 0.0]
    outcomes = {
        networks: [judge(logs(*steady[:n]), logs(*still[:n]), 0.01, networks).outcome for n in range(2, 9)]
        for networks in (1, 12, 200, 5000)
    }
    first = {networks: each.index("slower") + 2 for networks, each in outcomes.items()}
    # Seven launches give evidence of 43**3 = 79507 at most, and 5000 networks take 125000.
    assert first == {1: 4, 12: 5, 200: 6, 5000: 8}
    assert all(each[first[n] - 2 :] == ["slower"] * (9 - first[n]) for n, each in outcomes.items())
    found = judge(logs(*steady), logs(*still), 0.01, 12)
    assert found.change.estimate == pytest.approx(1.1, abs=0.002)
    assert (found.agreeing, found.launches) == (8, 8)
    faster = judge({n: -log for n, log in logs(*steady).items()}, logs(*still), 0.01, 12)
    assert faster.outcome == "faster"


def test_head_is_compared_with_both_runs_of_base() -> None:
    # Control is 2 % slower than base throughout: half of that is taken from the change, and 4 % is the threshold.
    found = judge(logs(*[5.0] * 8), logs(*[2.0] * 8), 0.01, 1)
    assert found.change.estimate == pytest.approx(1.05 / 1.02**0.5)
    assert found.noise == pytest.approx(1.02)
    assert found.threshold == pytest.approx(1.02**2)
    assert found.outcome == "inconclusive"


def test_calls_that_now_and_then_take_long_are_found_by_the_mean() -> None:
    still = logs(*[0.1, -0.1, 0.2, 0.0, -0.2, 0.1, 0.0, -0.1, 0.1])
    medians = judge(still, still, 0.01, 12)
    assert medians.outcome == "same"
    means = logs(20.0, 33.0, 27.0, 25.0, 30.0, 22.0, 28.0, 26.0, 29.0)
    found = with_mean(medians, means, still, 12)
    assert (found.outcome, found.change) == ("slower", medians.change)
    assert found.mean is not None
    assert found.mean.estimate == pytest.approx(1.27, abs=0.01)
    few = {launch: means[launch] for launch in range(3)}
    assert with_mean(medians, few, still, 12).outcome == "inconclusive"


def test_the_mean_says_nothing_new_where_it_agrees_or_control_varies_as_much() -> None:
    still = logs(*[0.1, -0.1, 0.2, 0.0, -0.2, 0.1, 0.0, -0.1, 0.1])
    medians = judge(still, still, 0.01, 12)
    assert with_mean(medians, logs(*[4.0] * 9), still, 12) == medians
    assert with_mean(medians, logs(*[20.0] * 9), logs(*[15.0] * 9), 12) == medians
    slower = judge(logs(*[10.0, 10.4, 9.7, 10.1, 9.8, 10.3, 10.0, 9.9, 10.0]), still, 0.01, 12)
    assert with_mean(slower, logs(*[30.0] * 9), still, 12) == slower


def test_one_launch_that_disagrees_does_not_hide_a_change_of_many() -> None:
    """A change of 23.8 % with 33 of 34 launches agreeing was inconclusive."""
    rng = random.Random(5)
    changes = {launch: math.log(1.238) + rng.gauss(0, 0.12) for launch in range(34)}
    changes[20] = -0.02
    controls = {launch: rng.gauss(0, 0.05) for launch in range(34)}
    found = judge(changes, controls, 0.03, 12)
    assert (found.outcome, found.launches) == ("slower", 34)
    assert found.agreeing >= 32


def test_a_change_whose_interval_contains_none_is_never_found() -> None:
    rng = random.Random(6)
    for _ in range(300):
        spread = rng.choice((0.01, 0.1))
        changes = {n: rng.gauss(0.01, spread) * rng.choice((1, 1, 1, 9)) for n in range(rng.randrange(4, 12))}
        found = judge(changes, dict.fromkeys(changes, 0.0), 0.001, 1)
        if found.outcome in {"slower", "faster"}:
            assert not found.change.holds(1.0)


def test_a_change_within_theta_is_none() -> None:
    within = [1, 1.2, 1, 1, 0.9, 1.1]
    assert judge(logs(*within), logs(*[0.0] * 6), 0.03, 7).outcome == "same"


def test_same_is_looked_for_after_certain_launches_alone() -> None:
    looks = [n for n in range(2, 70) if judge(logs(*[0.1] * n), logs(*[0.0] * n), 0.01, 1).outcome == "same"]
    assert looks == list(SAME_LOOKS)
    assert sum(SAME_LOOKS.values()) / 2 <= 0.05 + 1e-9


def test_the_control_only_ever_widens_the_threshold() -> None:
    changes = logs(5, 5, 5, 5, 5, 5, 5)
    restless = judge(changes, logs(4, -4, 4, 4, 3, 5, 4), 0.03, 1)
    assert restless.outcome == "inconclusive"
    assert restless.threshold == pytest.approx(1.04**2)
    calm = judge(changes, logs(*[0.0] * 7), 0.03, 1)
    assert calm.threshold == pytest.approx(1.03)
    assert calm.outcome == "slower"


def test_three_launches_find_no_change() -> None:
    assert judge(logs(9, 9, 9), logs(0, 0, 0), 0.03, 1).outcome == "inconclusive"


def test_an_inconclusive_judgement_says_what_it_would_have_found() -> None:
    quiet, noisy = (judge(logs(*(s * x for x in (-3, 2, 4, -1, 2, -4, 3))), STILL, 0.01, 1) for s in (1, 3))
    assert quiet.outcome == noisy.outcome == "inconclusive"
    assert 1.01 < quiet.detectable < noisy.detectable


def test_what_is_the_same_early_would_have_had_more_launches_if_it_were_slower() -> None:
    changes, controls = logs(0.1, -0.1, 0.1), logs(0.0, 0.2, -0.2)
    alone, of_ten = (judge(changes, controls, 0.01, 1, launches) for launches in (0, 10))
    assert alone.outcome == of_ten.outcome == "same"
    assert 1.01 <= of_ten.detectable < alone.detectable


def test_nothing_below_a_raised_threshold_is_detectable() -> None:
    found = judge(logs(*[4.3] * 8), logs(*[4.4] * 8), 0.01, 1)
    assert found.outcome == "inconclusive"
    assert found.detectable == found.threshold == pytest.approx(1.044**2)


def test_launches_that_differ_wildly_have_an_effect_that_a_file_can_hold() -> None:
    for n in (1, 2, 3, 5):
        wild = {launch: 9.0 * (-1) ** launch + launch for launch in range(n)}
        found = judge(wild, wild, 0.01, 200)
        assert found.outcome == "inconclusive"
        assert 1.01 <= found.detectable < 1e6


def test_an_interval_without_ends_lies_nowhere() -> None:
    assert not Interval(1.0).is_within(0.03)


def check(shift: float, spread: float, rng: random.Random, launches: int = 12, networks: int = 1) -> Speed:
    """Return the outcome of a network whose base, control and head differ by launch with a heavy tail."""

    def one() -> float:
        return rng.gauss(0, spread) * (4 if rng.random() < 0.1 else 1)

    changes, controls = {}, {}
    for launch in range(launches):
        base = one()
        changes[launch], controls[launch] = shift + one() - base, one() - base
        if launch >= 2:
            outcome, *_ = decide(*differences_of(changes, controls), 0.01, networks)
            if outcome != "inconclusive":
                break
    return outcome


@pytest.mark.parametrize("spread", [0.003, 0.01, 0.03, 0.1])
def test_equal_versions_are_called_slower_less_often_than_one_time_in_a_hundred(spread: float) -> None:
    rng = random.Random(1)
    outcomes = [check(0.0, spread, rng) for _ in range(300)]
    assert outcomes.count("slower") <= 4
    assert outcomes.count("faster") <= 4


@pytest.mark.parametrize("spread", [0.003, 0.006, 0.01])
def test_a_change_of_exactly_the_threshold_is_called_the_same_in_one_check_of_twenty(spread: float) -> None:
    rng = random.Random(2)
    calm = sum(check(math.log(1.01), spread, rng) == "same" for _ in range(300))
    assert calm <= 0.05 * 300 + 3 * math.sqrt(300 * 0.05 * 0.95)


def test_a_slowdown_of_a_twentieth_is_found_where_launches_differ_by_one_per_cent() -> None:
    rng = random.Random(3)
    assert sum(check(math.log(1.05), 0.007, rng) == "slower" for _ in range(300)) >= 290


def normal_launches(shift: float, rng: random.Random, launches: int) -> tuple[dict[int, float], dict[int, float]]:
    base = [rng.gauss(0, 0.01) for _ in range(launches)]
    changes, controls = ({n: rng.gauss(0, 0.01) - was for n, was in enumerate(base)} for _ in range(2))
    return {n: log + shift for n, log in changes.items()}, controls


@pytest.mark.parametrize(("launches", "networks"), [(12, 1), (20, 12)])
def test_detectable_is_what_four_in_five_find(launches: int, networks: int) -> None:
    rng = random.Random(4)
    found = 0
    for _ in range(200):
        printed = judge(*normal_launches(0.0, rng, launches), 0.01, networks).detectable
        found += judge(*normal_launches(math.log(printed), rng, launches), 0.01, networks).outcome == "slower"
    assert 0.72 < found / 200 < 0.93


def test_every_count_is_held_exactly() -> None:
    assert list(cost_changes(COSTS, COSTS)) == []
    for name in ("flops", "params", "elementwise", "mac_elements", "mac_bytes", "mac_fused_bytes"):
        more: Costs = replace(COSTS, **{name: getattr(COSTS, name) + 1})
        (change,) = cost_changes(COSTS, more)
        assert (change.name, change.head - change.base) == (name, 1)


def test_a_change_of_too_small_a_share_to_show_is_told_as_a_count() -> None:
    assert describe(CostChange("params", 1_086_432, 1_086_433)) == "parameters 1,086,432 to 1,086,433 (+1)"
    assert describe(CostChange("params", 1_000, 999)) == "parameters 1,000 to 999 (-0.1 %)"
    assert describe(CostChange("params", 0, 999)) == "parameters 0 to 999"


def test_a_fingerprint_tells_how_far_outputs_lie_apart() -> None:
    import torch

    torch.manual_seed(0)
    output = torch.randn(2, 16, 14, 14)
    for size in (1e-6, 1e-2, 0.5):
        noise = torch.randn_like(output)
        other = output + size * noise * output.norm() / noise.norm()
        one, two = (OutputPart("", "float32", (1,), fingerprint=fingerprint(each)) for each in (output, other))
        assert difference(one, two) == pytest.approx(size, rel=0.5)
    assert difference(one, one) == 0.0


def test_a_fingerprint_is_no_further_off_for_maps_that_are_nearly_constant() -> None:
    import torch

    torch.manual_seed(0)
    for _ in range(20):
        output = torch.randn(1, 8, 1, 1).expand(1, 8, 16, 16) + 0.05 * torch.randn(1, 8, 16, 16)
        other = output + 1e-3 * torch.randn(1, 8, 1, 1)
        size = float((other - output).norm() / output.norm())
        one, two = (OutputPart("", "float32", (1,), fingerprint=fingerprint(each)) for each in (output, other))
        assert difference(one, two) == pytest.approx(size, rel=0.5)


def test_outputs_of_zeros_are_alike_and_unlike_all_others() -> None:
    zeros = OutputPart("", "float32", (2,), fingerprint=(0.0, 0.0))
    assert difference(zeros, zeros) == 0.0
    assert difference(zeros, replace(zeros, fingerprint=(1.0, 0.0))) == math.inf
