"""The rule of guidelines and claims: speeds are judged at equal FLOPs, or not judged with a reason."""

from dataclasses import replace

import pytest

from benchcli.analysis.equal_flops import EFFECT, at_equal_flops, judge
from benchcli.schema import Failure, Interval, Record
from tests import values

BASELINE = values.record(values.family(values.variant("g=1"), values.variant("g=8")), "g=1", Interval(1.0, 1.0, 1.0))


def measured(speed: float, half: float, deviation: float | None, launches: int = 6, excluded: int = 0) -> Record:
    """Return a record with a relative speed of ± `half`, relative, and a FLOPs deviation."""
    ends = (speed * (1 - half), speed * (1 + half)) if launches >= 6 else (None, None)
    timing = replace(values.timing(Interval(speed, *ends), launches), excluded=excluded)
    return replace(values.record(BASELINE.family, "g=8", None), flops_deviation=deviation, timing=timing)


# Each case: relative speed, relative half-width of its interval, FLOPs deviation, outcome at equal FLOPs.
CASES = [
    # Equal FLOPs: the interval alone decides, at 2 % on either side.
    (0.500, 0.010, 0.000, "slower"),
    (0.950, 0.010, 0.000, "slower"),
    (0.970, 0.005, 0.000, "slower"),
    (0.975, 0.005, 0.000, "slower"),
    (0.980, 0.005, 0.000, "inconclusive"),
    (0.985, 0.005, 0.000, "inconclusive"),
    (0.990, 0.005, 0.000, "no effect"),
    (1.000, 0.005, 0.000, "no effect"),
    (1.010, 0.005, 0.000, "no effect"),
    (1.020, 0.005, 0.000, "inconclusive"),
    (1.030, 0.005, 0.000, "faster"),
    (1.100, 0.010, 0.000, "faster"),
    (3.000, 0.010, 0.000, "faster"),
    (1.000, 0.050, 0.000, "inconclusive"),
    (0.960, 0.050, 0.000, "inconclusive"),
    (0.900, 0.050, 0.000, "slower"),
    # Fewer FLOPs flatter the network: at equal FLOPs it is slower than measured.
    (0.946, 0.010, -0.051, "slower"),  # G1 ×2 1:12 as an audit found it: 0.898 at equal FLOPs
    (0.995, 0.005, -0.051, "slower"),
    (1.000, 0.005, -0.051, "slower"),
    (1.018, 0.020, -0.055, "inconclusive"),  # 0.962 ± 2 % at equal FLOPs
    (1.018, 0.010, -0.055, "slower"),
    (1.050, 0.005, -0.051, "no effect"),
    (1.060, 0.005, -0.051, "no effect"),
    (1.080, 0.005, -0.051, "inconclusive"),
    (1.100, 0.010, -0.051, "faster"),
    (1.108, 0.010, -0.071, "inconclusive"),
    (1.200, 0.010, -0.100, "faster"),
    (1.100, 0.005, -0.100, "no effect"),
    (1.050, 0.005, -0.100, "slower"),
    # More FLOPs slow the network down: at equal FLOPs it is faster than measured.
    (0.960, 0.005, 0.033, "no effect"),  # 0.991 at equal FLOPs, as the audit found it
    (0.950, 0.005, 0.033, "inconclusive"),
    (0.930, 0.005, 0.033, "slower"),
    (0.613, 0.008, 0.033, "slower"),
    (0.970, 0.005, 0.033, "no effect"),
    (1.000, 0.005, 0.033, "faster"),
    (0.990, 0.005, 0.050, "faster"),
    (0.980, 0.020, 0.050, "inconclusive"),
    (0.910, 0.005, 0.100, "no effect"),
    (0.900, 0.005, 0.100, "no effect"),
    (0.870, 0.005, 0.100, "slower"),
    (0.950, 0.005, 0.100, "faster"),
    # Beyond 10 % the conversion would be a guess.
    (0.500, 0.010, 0.101, "not judged"),
    (0.500, 0.010, -0.101, "not judged"),
    (1.444, 0.020, -0.245, "not judged"),
    (2.000, 0.010, 1.000, "not judged"),
    (0.661, 0.012, None, "not judged"),
]


@pytest.mark.parametrize(("speed", "half", "deviation", "outcome"), CASES)
def test_speeds_are_judged_at_equal_flops(speed: float, half: float, deviation: float | None, outcome: str) -> None:
    judgement = judge(measured(speed, half, deviation), BASELINE)
    assert judgement.outcome == outcome
    if deviation is not None and outcome != "not judged":
        assert judgement.at_equal_flops
        assert judgement.at_equal_flops.estimate == pytest.approx(speed * (1 + deviation))


def test_there_are_enough_cases_on_both_sides() -> None:
    assert len(CASES) >= 40
    assert {outcome for *_, outcome in CASES} == {"faster", "slower", "no effect", "inconclusive", "not judged"}


@pytest.mark.parametrize(
    ("record", "reason"),
    [
        (measured(0.5, 0.01, 0.2), "its FLOPs differ by +20.0 %, and beyond 10 % speeds are not comparable"),
        (measured(0.5, 0.01, None), "the FLOPs of g=8 or g=1 are not known, or 0"),
        (measured(0.5, 0.01, 0.0, launches=2), "no interval from 2 launches: give --launches 6 or more"),
        (measured(0.5, 0.01, 0.0, launches=1), "no interval from 1 launch: "),
        (measured(0.5, 0.01, 0.0, excluded=31), "52 % of the samples of g=8 were disturbed: stop other work"),
        (replace(measured(0.5, 0.01, 0.0), timing=None), "g=8 has no relative speed"),
        (replace(measured(0.5, 0.01, 0.0), failure=Failure("crashed", "SIGSEGV")), "g=8 has no time: SIGSEGV"),
    ],
)
def test_what_is_not_judged_has_a_reason(record: Record, reason: str) -> None:
    judgement = judge(record, BASELINE)
    assert judgement.outcome == "not judged"
    assert judgement.reason
    assert judgement.reason.startswith(reason)


def test_half_of_the_samples_may_be_excluded() -> None:
    assert judge(measured(0.5, 0.01, 0.0, excluded=30), BASELINE).outcome == "slower"


def test_a_disturbed_baseline_is_as_bad() -> None:
    assert BASELINE.timing
    disturbed = replace(BASELINE, timing=replace(BASELINE.timing, excluded=40))
    judgement = judge(measured(0.5, 0.01, 0.0), disturbed)
    assert judgement.reason == "67 % of the samples of g=1 were disturbed: stop other work, or measure later"


def test_bounds_are_symmetric_in_logarithm() -> None:
    assert Interval(0.975, 0.970, 0.9803).compare(EFFECT) == "slower"  # 1 / 1.02 is 0.98039
    assert Interval(0.975, 0.970, 0.9804).compare(EFFECT) == "inconclusive"
    assert Interval(1.025, 1.0201, 1.03).compare(EFFECT) == "faster"
    assert Interval(1.025, 1.0199, 1.03).compare(EFFECT) == "inconclusive"


def test_a_ratio_of_times_is_judged_as_the_speed_that_it_is() -> None:
    slower = Interval(1.25, 1.0, 1.6)
    assert slower.inverse == Interval(0.8, 0.625, 1.0)
    assert slower.inverse.inverse == slower
    assert Interval(1.25).inverse == Interval(0.8)
    assert Interval(1.25, 1.2, 1.3).inverse.compare(EFFECT) == "slower"
    assert Interval(1.25).compare(EFFECT) == "inconclusive"


def test_no_speed_is_converted_where_flops_are_far_apart() -> None:
    assert at_equal_flops(measured(0.5, 0.01, 0.11)) is None
    converted = at_equal_flops(measured(0.5, 0.01, -0.10))
    assert converted
    assert converted.estimate == pytest.approx(0.45)
    assert converted.low == pytest.approx(0.45 * 0.99)
