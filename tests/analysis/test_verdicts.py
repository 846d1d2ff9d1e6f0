import pytest

from benchcli.analysis.verdicts import judge, verdict
from benchcli.schema import Failure, FamilyResult, Interval
from tests.values import family, record, result, variant


@pytest.mark.parametrize(
    ("low", "high", "faster", "outcome"),
    [
        (0.60, 0.70, False, "holds"),
        (1.10, 1.20, False, "reversed"),
        (1.10, 1.20, True, "holds"),
        (0.60, 0.70, True, "reversed"),
        (0.99, 1.01, False, "no effect"),
        (0.97, 0.99, False, "inconclusive"),
        (0.90, 1.10, False, "inconclusive"),
        (0.970, 0.9803, False, "holds"),  # just beyond 1 / 1.02
        (0.970, 0.9804, False, "inconclusive"),
    ],
)
def test_an_interval_is_judged_by_the_side_it_lies_on(low: float, high: float, faster: bool, outcome: str) -> None:
    assert judge(Interval((low + high) / 2, low, high), 0.02, 0.02, faster) == outcome


def test_an_estimate_without_an_interval_proves_nothing() -> None:
    assert judge(Interval(0.1), 0.02, 0.02, faster=False) == "inconclusive"


def test_the_effect_must_exceed_the_difference_in_flops() -> None:
    slower = Interval(0.96, 0.955, 0.965)
    assert verdict(result(slower)).outcome == "holds"
    with_more_flops = verdict(result(slower, deviation=0.05))
    assert with_more_flops.outcome == "inconclusive"
    assert with_more_flops.threshold == 0.05


def test_g4_claims_that_the_extreme_is_faster() -> None:
    assert verdict(result(Interval(1.2, 1.18, 1.22), guideline="g4")).outcome == "holds"
    assert verdict(result(Interval(1.2, 1.18, 1.22), guideline="g2")).outcome == "reversed"


def test_an_inconclusive_verdict_says_what_would_settle_it() -> None:
    # 6 launches gave a half-width of 0.03; 0.94 is 0.041 beyond the bound in logarithms.
    found = verdict(result(Interval(0.94, 0.91, 0.99)))
    assert found.outcome == "inconclusive"
    assert found.advice == "about 8 launches should decide it: --launches 8"


def test_an_effect_at_the_bound_cannot_be_settled() -> None:
    found = verdict(result(Interval(0.9804, 0.95, 1.01)))
    assert found.advice == "the effect is too close to 2.0 % to decide"


def test_a_failed_variant_leaves_the_verdict_open_and_says_why() -> None:
    of = family(variant("g=1"), variant("g=8"))
    failed = record(of, "g=8", None, failure=Failure("crashed", "the worker was ended by SIGSEGV"))
    found = verdict(FamilyResult(of, (record(of, "g=1", Interval(1.0, 1.0, 1.0)), failed), ()))
    assert found.outcome == "inconclusive"
    assert found.advice == "g=8 has no time: the worker was ended by SIGSEGV"


def test_one_launch_asks_for_more() -> None:
    assert verdict(result(Interval(0.5))).advice == "one launch has no interval: give a larger --budget or --launches"
