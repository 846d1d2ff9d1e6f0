"""What the baseline of a family and the network that is furthest from it run."""

from dataclasses import replace

import pytest

from benchcli.analysis.kernel_differences import NO_OPERATOR, difference
from benchcli.schema import CallKernels, FamilyResult, Interval, KernelUse
from tests import values

GEMM = KernelUse("sgemm", "mkl", 10, 1.6e-3)
DENSE = CallKernels("g2-x1", "g=1", 2.0e-3, (GEMM, KernelUse("conv2d", "torch", 10, 0.1e-3)))
GROUPED = CallKernels(
    "g2-x1",
    "g=8",
    6.1e-3,
    (
        KernelUse("conv2d", "torch", 10, 3.1e-3),
        KernelUse("sgemm", "mkl", 80, 2.0e-3),
        KernelUse("reorder", "jit:uni", 4, 0.2e-3),
    ),
)
KERNELS = {("g2-x1", each.variant): each for each in (DENSE, GROUPED)}


def result(**speeds: float) -> FamilyResult:
    names = ("g=1", *speeds)
    family = values.family(*map(values.variant, names))
    records = [values.record(family, "g=1", Interval(1.0, 1.0, 1.0))]
    records += [values.record(family, name, Interval(speed, speed, speed)) for name, speed in speeds.items()]
    return FamilyResult(family, tuple(records), ())


def test_where_the_slower_network_takes_longer() -> None:
    found = difference(result(**{"g=8": 0.4}), KERNELS)
    assert found
    assert (found.slower, found.faster) == (GROUPED, DENSE)
    assert found.seconds == pytest.approx(4.1e-3)
    assert [(each.name, round(each.seconds * 1e3, 6)) for each in found.shares] == [
        ("conv2d torch", 3.0),
        (NO_OPERATOR, 0.5),
        ("sgemm mkl", 0.4),
        ("reorder jit:uni", 0.2),
    ]
    gemm = found.shares[2]
    assert gemm.slower
    assert (gemm.faster, gemm.slower.count) == (GEMM, 80)
    assert found.shares[3].faster is None


def test_a_faster_network_is_compared_the_other_way_round() -> None:
    found = difference(
        result(**{"g=8": 2.5}),
        {**KERNELS, ("g2-x1", "g=1"): replace(GROUPED, variant="g=1"), ("g2-x1", "g=8"): replace(DENSE, variant="g=8")},
    )
    assert found
    assert (found.slower.variant, found.faster.variant) == ("g=1", "g=8")
    assert found.shares[0].name == "conv2d torch"


def test_no_share_is_told_if_the_slower_network_was_not_slower_now() -> None:
    quick = replace(GROUPED, call_s=1.9e-3, uses=GROUPED.uses[:1])
    found = difference(result(**{"g=8": 0.4}), {**KERNELS, ("g2-x1", "g=8"): quick})
    assert found
    assert found.seconds < 0
    assert found.shares == []


def test_no_share_is_told_if_naming_the_kernels_slowed_them_down() -> None:
    slowed = replace(DENSE, call_s=1.5e-3)
    found = difference(result(**{"g=8": 0.4}), {**KERNELS, ("g2-x1", "g=1"): slowed})
    assert found
    assert found.seconds > 0
    assert found.shares == []


def test_the_network_that_is_furthest_from_the_baseline_is_chosen() -> None:
    every = {**KERNELS, **{("g2-x1", name): replace(GROUPED, variant=name) for name in ("g=2", "g=4")}}
    of = {speed: difference(result(**{"g=2": 0.9, "g=4": speed, "g=8": 0.6}), every) for speed in (0.5, 0.95, 1.8)}
    assert {speed: each.other.variant for speed, each in of.items() if each} == {0.5: "g=4", 0.95: "g=8", 1.8: "g=4"}


def test_there_is_none_without_a_baseline_or_another_network() -> None:
    of = result(**{"g=8": 0.4})
    assert difference(of, {("g2-x1", "g=8"): GROUPED}) is None
    assert difference(of, {("g2-x1", "g=1"): DENSE}) is None
    assert difference(of, {}) is None
