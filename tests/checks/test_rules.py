"""The gate's rules, by hand and by simulation: how often they cry wolf, and how often they miss."""

import math
import random
from dataclasses import replace

import pytest

from benchcli.checks.rules import Judgement, confirmations, cost_changes, difference, judge
from benchcli.guards.outputs import fingerprint
from benchcli.schema import Costs, Interval, Output
from tests.values import COSTS


def logs(*percents: float) -> dict[int, float]:
    return {launch: math.log1p(percent / 100) for launch, percent in enumerate(percents)}


STILL = logs(0.1, -0.1, 0.0, 0.2, -0.2, 0.1, 0.0)


def test_a_change_beyond_theta_that_all_launches_but_one_agree_on_is_found() -> None:
    found = judge(logs(5, 6, 4, 5, -1, 5, 5), STILL, 0.03, 7)
    assert found.outcome == "slower"
    assert found.change.estimate == pytest.approx(1.05)
    assert (found.agreeing, found.launches) == (6, 7)
    assert judge(logs(-5, -6, -4, -5, -1, -5, -5), STILL, 0.03, 7).outcome == "faster"


def test_two_launches_that_disagree_are_too_many() -> None:
    assert judge(logs(5, 6, 4, 5, -1, -1, 5), STILL, 0.03, 7).outcome == "inconclusive"


def test_a_change_within_theta_is_none() -> None:
    assert judge(logs(1, 1.2, 1, 1, 0.9, 1.1, 1), STILL, 0.03, 7).outcome == "same"


def test_the_control_only_ever_widens_the_threshold() -> None:
    changes = logs(5, 5, 5, 5, 5, 5, 5)
    restless = judge(changes, logs(4, -4, 4, 4, 3, 5, -3), 0.03, 7)
    assert restless.outcome == "inconclusive"
    assert restless.threshold == pytest.approx(1.04**2)
    assert judge(changes, dict.fromkeys(STILL, 0.0), 0.03, 7).threshold == pytest.approx(1.03)


def test_fewer_launches_than_needed_find_nothing() -> None:
    assert judge(logs(9, 9, 9), logs(0, 0, 0), 0.03, 7).outcome == "inconclusive"


def test_an_inconclusive_judgement_says_what_it_would_have_found() -> None:
    quiet, noisy = (judge(logs(*(s * x for x in (-3, 2, 4, -1, 2, -4, 3))), STILL, 0.01, 7) for s in (1, 3))
    assert quiet.outcome == noisy.outcome == "inconclusive"
    assert 1.01 < quiet.detectable < noisy.detectable


def test_an_interval_without_ends_lies_nowhere() -> None:
    assert not Interval(1.0).is_within(0.03)


def test_more_suspects_get_more_launches_so_that_chance_stays_what_it_was() -> None:
    assert confirmations(7, 1) == 7
    wanted = [confirmations(7, suspects) for suspects in (1, 2, 4, 12, 100)]
    assert wanted == sorted(wanted)
    for suspects, launches in zip((2, 4, 12, 100), wanted[1:], strict=True):
        assert suspects * (launches + 1) / 2**launches <= 8 / 2**7


def simulated(shift: float, spread: float, seed: int) -> list[Judgement]:
    """Seven launches whose layouts differ with a heavy tail, for base, its control and head, a thousand times."""
    rng = random.Random(seed)

    def one() -> float:
        return rng.gauss(0, spread) * (4 if rng.random() < 0.1 else 1)

    found = []
    for _ in range(1000):
        base = [one() for _ in range(7)]
        changes = {n: shift + one() - was for n, was in enumerate(base)}
        controls = {n: one() - was for n, was in enumerate(base)}
        found.append(judge(changes, controls, 0.03, 7))
    return found


@pytest.mark.parametrize("spread", [0.003, 0.01, 0.03, 0.1])
def test_equal_versions_are_called_slower_less_often_than_one_time_in_a_hundred(spread: float) -> None:
    alarms = sum(found.outcome == "slower" for found in simulated(0.0, spread, seed=1))
    assert alarms <= 10


def test_a_slowdown_of_a_twentieth_is_found_where_launches_differ_by_one_per_cent() -> None:
    assert sum(found.outcome == "slower" for found in simulated(math.log(1.05), 0.007, seed=2)) >= 950


def test_detectable_is_what_four_in_five_find() -> None:
    seen = simulated(0.0, 0.01, seed=3)
    typical = sorted(found.detectable for found in seen)[500]
    share = sum(found.outcome == "slower" for found in simulated(math.log(typical), 0.01, seed=4)) / 1000
    assert 0.6 < share < 0.95


def test_every_count_is_held_exactly() -> None:
    assert list(cost_changes(COSTS, COSTS)) == []
    for name in ("flops", "params", "elementwise", "mac_elements", "mac_bytes", "mac_fused_bytes"):
        more: Costs = replace(COSTS, **{name: getattr(COSTS, name) + 1})
        (change,) = cost_changes(COSTS, more)
        assert (change.name, change.head - change.base) == (name, 1)


def test_a_fingerprint_tells_how_far_outputs_lie_apart() -> None:
    import torch

    torch.manual_seed(0)
    output = torch.randn(2, 16, 14, 14)
    for size in (1e-6, 1e-2, 0.5):
        noise = torch.randn_like(output)
        other = output + size * noise * output.norm() / noise.norm()
        one, two = (Output(((1,),), ("",), fingerprint([each])) for each in (output, other))
        assert difference(one, two) == pytest.approx(size, rel=0.5)
    assert difference(one, one) == 0.0


def test_outputs_of_zeros_are_alike_and_unlike_all_others() -> None:
    zeros = Output(((1,),), ("",), (0.0, 0.0))
    assert difference(zeros, zeros) == 0.0
    assert difference(zeros, Output(((1,),), ("",), (1.0, 0.0))) == math.inf
