"""The place of work on the roofline, by numbers worked by hand."""

import math
from dataclasses import astuple, replace
from typing import Any

import pytest

from benchcli.analysis.roofline import Placement, place
from benchcli.schema.roofs import CacheLevel, Peak, Roofs
from benchcli.schema.structure import StructureError

approx = pytest.approx
ROOFS = Roofs(
    digest="d",
    device="cpu",
    threads=1,
    torch="2",
    measured="2026-11-25T19:04:20Z",
    peaks={"float32": Peak(50e9, 40e9), "bfloat16": Peak(None, 200e9), "float16": Peak(None, None)},
    levels=(
        CacheLevel("L1", 48_000, {"read": 80e9}),
        CacheLevel("L2", 2_000_000, {"read": 70e9, "copy": 60e9, "triad": 50e9}),
        CacheLevel("memory", None, {"read": 9e9, "copy": 10e9, "triad": 8e9}),
    ),
    dispatch_s=2e-6,
)


def placed(*of: Any, **settings: Any) -> Placement:
    found = place(*of, **settings)
    assert found
    return found


def test_the_largest_term_of_the_additive_model_is_the_bound() -> None:
    compute = placed(100_000_000, 7_000_000, 10, 4e-3, ROOFS)  # 2 ms + 0.1 ms at 70 GB/s + 0.02 ms
    assert astuple(compute) == (approx(100 / 7), approx(0.5), "compute", approx(2.12e-3))
    memory = placed(1_000_000, 7_000_000, 10, 2.5e-4, ROOFS)
    assert astuple(memory) == (approx(1 / 7), approx(0.4), "memory", approx(1.4e-4))
    overhead = placed(50_000, 70_000, 100, 1e-3, ROOFS)  # 1 µs, 0.875 µs at 80 GB/s, 200 µs
    assert astuple(overhead) == (approx(5 / 7), approx(1e-3), "overhead", approx(201.875e-6))


def test_far_from_the_roof_neither_arithmetic_nor_bytes_are_the_bound() -> None:
    assert [placed(100_000_000, 7_000_000, 10, 2e-3 / share, ROOFS).bound for share in (0.334, 0.333)] == [
        *("compute", "neither")
    ]
    assert placed(1_000_000, 7_000_000, 10, 1e-3, ROOFS).bound == "neither"


def test_the_working_set_decides_which_bandwidth_is_the_roof() -> None:
    assert [ROOFS.level_of(size).name for size in (1, 48_000, 48_001, 2_000_000, 3e6, math.inf)] == [
        *("L1", "L1", "L2", "L2", "memory", "memory")
    ]
    mean = placed(0, 4_000_000, 2, 1e-3, ROOFS)  # two operators of 2 MB each stay in L2
    one = placed(0, 4_000_000, 1, 1e-3, ROOFS)
    cold = placed(0, 40_000, 2, 1e-3, ROOFS, working_set=math.inf)
    assert [each.achieved for each in (mean, one, cold)] == approx([4 / 70, 0.4, 0.004])


def test_the_share_is_that_of_the_lower_roof_at_this_intensity() -> None:
    assert ROOFS.ridge("float32") == approx(5.0)
    assert ROOFS.ridge("float32", 1e6) == approx(5 / 7)
    for flops in (70_000, 5_000_000 // 7, 7_000_000):
        at = placed(flops, 1_000_000, None, 1e-4, ROOFS)
        attainable = min(50e9, 70e9 * at.intensity)
        assert at.achieved == approx(flops / 1e-4 / attainable)


def test_each_dtype_has_its_own_peak() -> None:
    assert [ROOFS.peak(dtype) for dtype in ("float32", "bfloat16", "float16", "float64")] == [50e9, 200e9, None, None]
    assert ROOFS.ridge("float16") is None
    assert placed(200_000_000, 1, 1, 1e-2, ROOFS, "bfloat16").achieved == approx(0.1)
    assert place(200_000_000, 1, 1, 1e-2, ROOFS, "float16") is None


@pytest.mark.parametrize(("flops", "mac_bytes", "seconds"), [(0, 0, 1.0), (1, 1, 0.0), (1, 1, -1.0)])
def test_what_has_no_work_or_no_time_has_no_place(flops: int, mac_bytes: int, seconds: float) -> None:
    assert place(flops, mac_bytes, 3, seconds, ROOFS) is None


def test_roofs_without_a_level_are_damaged() -> None:
    with pytest.raises(StructureError, match="no level"):
        replace(ROOFS, levels=())
    with pytest.raises(StructureError, match="L1 has no rate"):
        CacheLevel("L1", 1, {})
