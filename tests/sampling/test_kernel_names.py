"""The kernels of a call: how often each runs, how long, and what is heard of real ones."""

import pytest
import torch
from torch import nn

from benchcli.backends.devices import cpu_profiler
from benchcli.backends.devices.base import DEVICES, RanKernel
from benchcli.sampling.kernel_names import fewest_calls, uses_of
from benchcli.schema import CallKernels, HardwareCounts, KernelUse
from benchcli.schema.protocol import KernelsNamed, decode_event, encode_event
from tests import values

needs_onednn = pytest.mark.skipif(not torch.backends.mkldnn.is_available(), reason="this torch has no oneDNN")  # type: ignore[no-untyped-call]


def test_a_kernel_has_its_runs_and_its_least_seconds_in_a_call_the_longest_first() -> None:
    conv, reorder, relu = ("convolution", "gemm:ref"), ("reorder", "jit:uni"), ("relu", "torch")
    calls = [
        [RanKernel(*reorder, 1.0), RanKernel(*conv, 5.0), RanKernel(*reorder, 1.0), RanKernel(*relu, 9.0)],
        [RanKernel(*reorder, 2.0), RanKernel(*conv, 4.0), RanKernel(*reorder, 1.5), RanKernel(*relu, 1.0)],
        [RanKernel(*reorder, 4.0), RanKernel(*conv, 9.0), RanKernel(*reorder, 4.0), RanKernel("rare", "torch", 8.0)],
    ]
    assert uses_of(calls) == (KernelUse(*conv, 1, 4.0), KernelUse(*reorder, 2, 2.0), KernelUse(*relu, 1, 1.0))


@pytest.mark.parametrize(
    ("call_s", "resolution_s", "calls"), [(1e-3, 1e-9, 1), (1e-3, 1e-3, 1000), (0.0, 1e-3, 1000), (2.0, 1e-3, 1)]
)
def test_a_sample_has_no_more_calls_than_the_clock_needs(call_s: float, resolution_s: float, calls: int) -> None:
    assert fewest_calls(call_s, resolution_s) == calls


@needs_onednn
def test_kernels_of_onednn_and_operators_of_torch_are_named() -> None:
    network, inputs = nn.Sequential(nn.Conv2d(16, 16, 3, groups=16, bias=False), nn.ReLU()), torch.randn(1, 16, 32, 32)
    with torch.inference_mode():
        found = cpu_profiler.kernels_of(lambda: network(inputs))
    works = [each.work for each in found]
    assert works.count("convolution") == 1
    assert "reorder" in works  # from torch's layout to blocked channels
    assert works[-2:] == ["conv2d", "relu"]  # after its kernels, what an operator does besides
    assert {each.implementation for each in found[-2:]} == {"torch"}
    assert "torch" not in {each.implementation for each in found[:-2]}
    assert all(each.seconds >= 0 for each in found)


@pytest.mark.skipif(
    not torch.backends.mkl.is_available(),  # type: ignore[no-untyped-call]
    reason="this torch has no MKL",
)
def test_a_matrix_product_of_mkl_is_named() -> None:
    network, inputs = nn.Linear(64, 32), torch.randn(8, 64)
    with torch.inference_mode():
        found = cpu_profiler.kernels_of(lambda: network(inputs))
    assert [(each.work, each.implementation) for each in found] == [("sgemm", "mkl"), ("linear", "torch")]


def test_the_kernels_of_the_simulated_device_share_the_time_of_a_call() -> None:
    network, inputs = nn.Sequential(nn.Conv2d(3, 4, 1), nn.ReLU()), torch.randn(1, 3, 8, 8)
    with torch.inference_mode():
        found = DEVICES["fake"].kernels_of(lambda: network(inputs), values.COSTS, 0)
    assert [each[:2] for each in found] == [("conv2d", "simulated"), ("relu", "simulated")]
    assert found[0].seconds == found[1].seconds > 0


def test_a_device_that_names_no_kernels_says_so() -> None:
    with pytest.raises(NotImplementedError, match="does not tell here which kernels run"):
        DEVICES["mps"].kernels_of(lambda: torch.zeros(1), values.COSTS, 0)


def test_the_event_comes_back_as_it_was() -> None:
    uses = (KernelUse("convolution", "jit:avx512_core", 10, 1e-3),)
    for each in (
        CallKernels("g2-x1", "g=1", 2e-3, uses, HardwareCounts(1e6, None, 12.5)),
        CallKernels("g2-x1", "g=1", 2e-3, uses, None, "absent"),
    ):
        assert decode_event(encode_event(KernelsNamed(each))) == KernelsNamed(each)


def test_what_is_in_no_operator_is_the_rest_of_a_call() -> None:
    uses = (KernelUse("convolution", "jit:avx512_core", 10, 1.5e-3), KernelUse("reorder", "jit:uni", 20, 0.25e-3))
    quick, slow = CallKernels("f", "v", 2e-3, uses), CallKernels("f", "v", 1e-3, uses)
    assert quick.sum_s == 2e-3
    assert quick.unnamed_s == pytest.approx(0.25e-3)
    assert slow.sum_s == pytest.approx(1.75e-3)  # naming them slowed them down
    assert slow.unnamed_s == 0
    assert slow.is_slowed
    assert not quick.is_slowed
