"""The place of work on the roofline, by numbers worked by hand."""

import math
from dataclasses import replace

import pytest

from benchcli.analysis.roofline import Placement, place
from benchcli.schema.roofs import CacheLevel, Peak, Roofs
from benchcli.schema.structure import StructureError

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


def test_the_largest_term_of_the_additive_model_is_the_bound() -> None:
    compute = place(100_000_000, 7_000_000, 10, 4e-3, ROOFS)  # 2 ms + 0.1 ms at 70 GB/s + 0.02 ms
    assert compute == Placement(
        intensity=pytest.approx(100 / 7), achieved=pytest.approx(0.5), bound="compute", model_s=pytest.approx(2.12e-3)
    )
    memory = place(1_000_000, 7_000_000, 10, 1e-3, ROOFS)
    assert memory == Placement(
        intensity=pytest.approx(1 / 7), achieved=pytest.approx(0.1), bound="memory", model_s=pytest.approx(1.4e-4)
    )
    overhead = place(50_000, 70_000, 100, 1e-3, ROOFS)  # 1 µs, 1 µs at 80 GB/s, 200 µs
    assert overhead
    assert (overhead.bound, overhead.model_s) == ("overhead", pytest.approx(201.875e-6))


def test_the_working_set_decides_which_bandwidth_is_the_roof() -> None:
    assert [ROOFS.level_of(size).name for size in (1, 48_000, 48_001, 2_000_000, 3e6, math.inf)] == [
        *("L1", "L1", "L2", "L2", "memory", "memory")
    ]
    mean = place(0, 4_000_000, 2, 1e-3, ROOFS)  # two operators of 2 MB each stay in L2
    one = place(0, 4_000_000, 1, 1e-3, ROOFS)
    cold = place(0, 40_000, 2, 1e-3, ROOFS, working_set=math.inf)
    assert [each.achieved for each in (mean, one, cold) if each] == pytest.approx([4 / 70, 0.4, 0.004])


def test_the_share_is_that_of_the_lower_roof_at_this_intensity() -> None:
    ridge = ROOFS.ridge("float32", 1e6)
    assert ridge == pytest.approx(5 / 7)
    for intensity in (ridge / 10, ridge, ridge * 10):
        placed = place(round(1e6 * intensity), 1_000_000, None, 1e-4, ROOFS)
        assert placed
        attainable = min(50e9, 70e9 * placed.intensity)
        assert placed.achieved == pytest.approx(1e6 * intensity / 1e-4 / attainable, rel=1e-6)
    assert ROOFS.ridge("float32") == pytest.approx(5.0)


def test_each_dtype_has_its_own_peak() -> None:
    assert [ROOFS.peak(dtype) for dtype in ("float32", "bfloat16", "float16", "float64")] == [50e9, 200e9, None, None]
    assert ROOFS.ridge("float16") is None
    fast = place(200_000_000, 1, 1, 1e-2, ROOFS, "bfloat16")
    assert fast
    assert fast.achieved == pytest.approx(0.1)
    assert place(200_000_000, 1, 1, 1e-2, ROOFS, "float16") is None


@pytest.mark.parametrize(("flops", "mac_bytes", "seconds"), [(0, 0, 1.0), (1, 1, 0.0), (1, 1, -1.0)])
def test_what_has_no_work_or_no_time_has_no_place(flops: int, mac_bytes: int, seconds: float) -> None:
    assert place(flops, mac_bytes, 3, seconds, ROOFS) is None


def test_roofs_without_a_level_are_damaged() -> None:
    with pytest.raises(StructureError, match="no level"):
        replace(ROOFS, levels=())
    with pytest.raises(StructureError, match="L1 has no rate"):
        CacheLevel("L1", 1, {})
