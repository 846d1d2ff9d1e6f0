import random

import pytest

from benchcli.analysis.aa_test import BLOCKS, MORE_BLOCKS, Trial, families, summary, trial
from benchcli.schema import FamilyResult, Interval
from benchcli.schema.warnings import RunWarning
from benchcli.statistics import Count
from benchcli.workloads.references import chain
from tests.values import record


def compared(low: float, high: float, injected: bool = False) -> Trial:
    return Trial("x", "dense", injected, Interval((low + high) / 2, low, high), ())


def test_equal_networks_are_equal_and_slower_ones_a_twentieth_longer() -> None:
    equal, slower = families(1, 1)
    assert [v.params["blocks"] for v in equal.variants] == [BLOCKS, BLOCKS]
    assert [v.params["blocks"] for v in slower.variants] == [BLOCKS, MORE_BLOCKS]
    assert len(chain(channels=16, groups=2, blocks=21)) == 21  # type: ignore[arg-type]


def test_comparisons_share_their_launches_eight_by_eight() -> None:
    groups = [family.guideline for family in families(20, 5)]
    assert sorted(groups.count(name) for name in set(groups)) == [1, 8, 8, 8]
    assert len({family.name for family in families(20, 5)}) == 25


def test_what_is_counted() -> None:
    found = summary(
        [
            compared(0.99, 1.01),
            compared(1.001, 1.01),  # misses 1, by less than an effect
            compared(1.03, 1.05),  # misses 1, and would be called an effect
            compared(0.94, 0.96, injected=True),
            compared(0.99, 1.01, injected=True),
            Trial("y", "dense", False, None, ()),  # not measured: it counts nowhere
        ]
    )
    assert found is not None
    assert found.covered == Count(1, 3)
    assert found.false_alarms == Count(1, 3)
    assert found.found == Count(1, 2)
    assert found.half_width == pytest.approx(0.01 / 1.0, rel=0.05)
    assert found.detectable == pytest.approx(found.half_width * 2.8 / 1.96, rel=0.01)


def test_nothing_compared_is_no_summary() -> None:
    assert summary([]) is None
    assert summary([compared(0.94, 0.96, injected=True)]) is None


def test_the_rates_interval_is_wilsons() -> None:
    interval = Count(95, 100).interval
    assert interval.low == pytest.approx(0.888, abs=1e-3)
    assert interval.high == pytest.approx(0.978, abs=1e-3)
    assert Count(0, 10).interval.low == 0.0
    assert Count(10, 10).interval.high == pytest.approx(1.0)


def test_the_detectable_slowdown_is_found_in_four_of_five() -> None:
    rng = random.Random(0)
    equal = summary([compared(0.99, 1.01)])
    assert equal is not None
    estimates = [rng.gauss(1 - equal.detectable, 0.01 / 1.96) for _ in range(5000)]
    found = summary([compared(0.99, 1.01), *(compared(e - 0.01, e + 0.01, injected=True) for e in estimates)])
    assert found is not None
    assert found.found is not None
    assert found.found.interval.estimate == pytest.approx(0.8, abs=0.02)


def test_a_comparison_knows_whether_it_is_injected() -> None:
    slower = families(1, 1)[1]
    one = Interval(1.0, 1.0, 1.0)
    records = (
        record(slower, "first", one),
        record(slower, "second", Interval(0.95, 0.94, 0.96), warnings=(RunWarning("busy", 1),)),
    )
    found = trial(FamilyResult(slower, records, ()))
    assert found.injected
    assert found.warnings == (RunWarning("busy", 1),)
