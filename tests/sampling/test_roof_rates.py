"""What reaches for the roofs does as much work as it says, in the bytes that it says."""

from collections.abc import Callable
from typing import Any

import pytest
import torch

from benchcli.backends.devices.base import DEVICES
from benchcli.cost.count import count
from benchcli.sampling import roof_rates
from benchcli.sampling.roof_rates import LINE, SLICE_BYTES, TURNS, RoofWork
from benchcli.schema import Costs


class Called(torch.nn.Module):
    """A network that makes a call."""

    def __init__(self, call: Callable[[], object]) -> None:
        super().__init__()
        self.call = call

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        self.call()
        return inputs


def counted(work: RoofWork) -> Costs:
    return count(Called(work.call), torch.zeros(1))


def test_products_and_convolutions_have_the_multiply_adds_that_are_counted() -> None:
    product = next(roof_rates._products("float32", "cpu"))
    assert (product.amount, counted(product).flops) == (256**3, 256**3)
    for window, layout in roof_rates.WINDOWS:
        convolution = next(roof_rates._convolutions("float32", "cpu", window, layout))
        assert counted(convolution).flops == convolution.amount == 64 * 64 * 28 * 28 * window**2


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("dimensions", [1, 3])
def test_rows_lie_in_their_part_of_the_array_and_almost_in_the_same_bytes(threads: int, dimensions: int) -> None:
    array = torch.arange(12_288)
    parts = roof_rates._rows(array, threads, dimensions, 3)
    seen = [set(part.flatten().tolist()) for part in parts]
    assert not (seen[0] & seen[1])
    assert not (seen[1] & seen[2])
    for part, touched in zip(parts, seen, strict=True):
        rows = threads * TURNS**dimensions
        assert part.numel() == rows * part.shape[-1]
        assert len(touched) == threads * (part.shape[-1] + dimensions * (TURNS - 1) * LINE)
        assert len(touched) <= 12_288 // 3


def test_an_access_has_the_bytes_of_its_parts() -> None:
    amounts: dict[str, set[float]] = {}
    for ladder in roof_rates._accesses("L1", 48_000, 24_000, "cpu", 1):
        for work in ladder:
            amounts.setdefault(work.work, set()).add(work.amount)
            assert (work.of, work.size) == ("L1", 48_000)
    rows = TURNS**3
    drift = 3 * (TURNS - 1) * LINE
    assert amounts["triad"] == {4 * 3 * rows * (2000 - drift)}
    assert amounts["copy"] == {4 * 2 * rows * (3000 - drift)}
    assert 4 * rows * (6000 - drift) in amounts["read"]


def test_in_memory_each_call_takes_the_slice_that_was_used_longest_ago() -> None:
    taken: list[int] = []
    call = roof_rates.in_turns([lambda number=number: taken.append(number) for number in range(3)])  # type: ignore[misc]
    for _ in range(5):
        call()
    assert taken == [0, 1, 2, 0, 1]


@pytest.mark.parametrize(
    ("caches", "memory", "held"),
    [
        ({}, 2**34, 2**26),
        ({"L2": 2**20, "L3": 2**25}, 2**34, 2**27),
        ({"L3": 300 * 2**20}, 2**34, 2**30),
        ({"L3": 300 * 2**20}, 2**30, 2**27),
        ({"L3": 300 * 2**20}, None, 2**27),
        ({"L3": 2**25 + 12_288}, 2**34, 2**27),
    ],
)
def test_the_array_is_larger_than_the_caches_and_small_beside_the_memory(
    monkeypatch: pytest.MonkeyPatch, caches: Any, memory: int | None, held: int
) -> None:
    monkeypatch.setattr(roof_rates, "memory_bytes", lambda: memory)
    assert roof_rates.memory_held(caches) == held
    assert held % SLICE_BYTES == 0


def test_what_a_device_lacks_is_left_out() -> None:
    def refuse() -> None:
        raise NotImplementedError("addmm_impl_cpu_ not implemented for 'Half'")

    lacking = RoofWork("product", "float16", 1.0, refuse)
    assert list(roof_rates._climbed(iter([lacking]), DEVICES["cpu"], 0)) == []


def test_no_larger_call_is_tried_after_a_long_one() -> None:
    device = DEVICES["fake"]
    works = [RoofWork("product", "float32", 5e10 * seconds, lambda: None) for seconds in (1e-3, 4e-3, 6e-3, 8e-3)]
    steps = list(roof_rates._climbed(iter(works), device, 0))
    assert [step.work for step in steps] == works[:3]
    assert [step.rate for step in steps] == pytest.approx([5e10] * 3)
