"""What launches of each version alone show of versions that compare differently in one process."""

import pytest

from benchcli.checks.alone import Disagreement, disagreement
from benchcli.checks.versions import BASE, HEAD
from benchcli.sampling.evidence import Evidence
from benchcli.sampling.supervise import Failures
from benchcli.schema import Plan, Target
from tests.values import family, sample, variant

FAMILIES = [family(variant(BASE), variant(HEAD), name=name) for name in "abcd"]
Seconds = dict[str, tuple[float, float]]
"""Base's and head's, by family."""


def evidence(first: int, *launches: Seconds) -> Evidence:
    samples = {
        (name, side): [
            sample(side, first + number, 0, each[name][place]) for number, each in enumerate(launches) if name in each
        ]
        for name in "abcd"
        for place, side in enumerate((BASE, HEAD))
    }
    return Evidence(Target(), Plan(), {}, Failures(), samples=samples)


def all_of(base: float, head: float) -> Seconds:
    return dict.fromkeys("abcd", (base, head))


@pytest.mark.parametrize(
    ("together", "apart", "found"),
    [
        ([all_of(1.1, 1.1)], [all_of(1.0, 1.1)], Disagreement(1.1, 1.0)),
        ([all_of(1.0, 1.0)], [all_of(1.0, 1.1)], Disagreement(1.1, 1.0)),
        ([all_of(1.0, 1.0)], [all_of(1.1, 1.0)], Disagreement(1 / 1.1, 1.0)),
        ([all_of(1.0, 1.1)], [all_of(1.0, 1.0)], Disagreement(1.0, 1.1)),
        ([all_of(1.0, 1.3)], [all_of(1.0, 1.3)], None),
        ([all_of(1.0, 1.0)], [all_of(1.0, 1.3), all_of(1.2, 1.0)], None),
        ([all_of(1.2, 1.0), all_of(1.0, 1.1)], [all_of(1.0, 1.0)], None),
        ([all_of(1.0, 1.0)], [{**all_of(1.0, 1.0), "d": (1.0, 1.3)}], Disagreement(1.3, 1.0)),
        ([all_of(1.0, 1.0)], [{**all_of(1.0, 1.0), "d": (1.0, 1.09)}], None),
        ([all_of(1.0, 1.0)], [{}], None),
    ],
    ids=[
        "head slows the process",
        "head lost what base does to the process",
        "head gained what base profits from",
        "slower in one process only",
        "slower in both",
        "a launch alone agrees",
        "a launch of both agrees",
        "one network",
        "one by less",
        "nothing alone",
    ],
)
def test_a_change_that_is_another_one_in_two_processes(
    together: list[Seconds], apart: list[Seconds], found: Disagreement | None
) -> None:
    lone = evidence(9, *apart)
    said = disagreement(FAMILIES, [evidence(0, *together)], {BASE: lone, HEAD: lone})
    assert (said and (said.apart, said.together)) == (found and pytest.approx((found.apart, found.together)))


def test_networks_that_were_not_measured_alone_do_not_count() -> None:
    apart = evidence(9, {"a": (1.0, 1.0)})
    together = evidence(0, {"a": (1.0, 1.0), "b": (1.0, 2.0)})
    assert disagreement(FAMILIES[:2], [together], {BASE: apart, HEAD: apart}) is None
