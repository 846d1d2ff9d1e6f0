"""What a launch of base alone shows of a head that slows the whole process."""

import math

import pytest

from benchcli.checks.alone import slowdown
from benchcli.checks.versions import BASE
from benchcli.sampling.evidence import Evidence
from benchcli.sampling.supervise import Failures
from benchcli.schema import Plan, Target
from tests.values import family, sample, variant

FAMILIES = [family(variant(BASE), name=name) for name in "abcd"]


def evidence(first: int, *seconds: dict[str, float]) -> Evidence:
    """Return launches with these seconds of base, by family."""
    samples = {
        (name, BASE): [
            sample(BASE, first + number, 0, each[name]) for number, each in enumerate(seconds) if name in each
        ]
        for name in "abcd"
    }
    return Evidence(Target(), Plan(), {}, Failures(), samples=samples)


def all_of(seconds: float) -> dict[str, float]:
    return dict.fromkeys("abcd", seconds)


@pytest.mark.parametrize(
    ("beside", "alone", "factor"),
    [
        ([all_of(1.1)] * 3, [all_of(1.0)], 1.1),
        ([all_of(1.1), all_of(1.04), all_of(1.2)], [all_of(1.0)], 1.0),
        ([all_of(1.1)] * 3, [all_of(1.0), all_of(1.1)], 1.0),
        ([{**all_of(1.0), "d": 1.3}] * 3, [all_of(1.0)], 1.3),
        ([{**all_of(1.0), "d": 1.09}] * 3, [all_of(1.0)], 1.0),
        ([all_of(0.9)] * 3, [all_of(1.0)], 1.0),
        ([all_of(1.0)], [{}], 1.0),
    ],
    ids=["all", "a fast launch", "a slow one alone", "one network", "one by less", "faster", "nothing alone"],
)
def test_base_is_slower_beside_head_if_every_launch_says_so(
    beside: list[dict[str, float]], alone: list[dict[str, float]], factor: float
) -> None:
    assert math.isclose(
        slowdown(FAMILIES, [evidence(0, *beside[:2]), evidence(5, *beside[2:])], evidence(9, *alone)), factor
    )


def test_launches_that_lack_a_network_prove_nothing_of_all() -> None:
    beside = evidence(0, {"a": 2.0}, {"b": 2.0})
    assert slowdown(FAMILIES[:2], [beside], evidence(9, {"a": 1.9, "b": 1.9})) == 1.0
