"""The nodes of ExecuTorch's profiles, from events such as it writes; its real package has a target of its own."""

from types import SimpleNamespace

from benchcli.backends.devices.base import RanKernel
from benchcli.backends.runtimes.base import RanNode
from benchcli.backends.runtimes.executorch import nodes_of


def event(start_ns: int, end_ns: int, name: str | None = None, delegated: str | None = None) -> SimpleNamespace:
    return SimpleNamespace(name=name, delegate_debug_id_str=delegated, start_time=start_ns, end_time=end_ns)


def test_nodes_are_xnnpacks_and_the_operators_that_it_does_not_take() -> None:
    found = nodes_of(
        [
            event(0, 4_000, delegated="Transpose (ND, X32) #1"),
            event(4_000, 9_000, delegated="Convolution (NHWC, F32) IGEMM #1"),
            event(9_000, 11_000, delegated="Convolution (NHWC, QC8) DWConv #12"),
            event(11_000, 12_000, delegated="Mean (ND) Reduce2 #1"),
            event(12_000, 13_000, delegated="Invalid Unary Op #1"),
            event(0, 13_500, "DELEGATE_CALL"),
            event(14_000, 17_000, "native_call_mul.Scalar_out"),
            event(13_900, 17_100, "OPERATOR_CALL"),
            event(18_000, 19_000, "native_call_expand_copy.out"),
            event(20_000, 20_500, "native_call__to_dim_order_copy.out"),
            event(0, 21_000, "Method::execute"),
        ]
    )
    assert found == [
        RanNode(RanKernel("Transpose", "XNNPACK (ND, X32)", 4e-6), "data"),
        RanNode(RanKernel("Convolution", "XNNPACK (NHWC, F32) IGEMM", 5e-6), "convolution"),
        RanNode(RanKernel("Convolution", "XNNPACK (NHWC, QC8) DWConv", 2e-6), "depthwise"),
        RanNode(RanKernel("Mean", "XNNPACK (ND) Reduce2", 1e-6), "pooling"),
        RanNode(RanKernel("Invalid Unary Op", "XNNPACK", 1e-6), "elementwise"),
        RanNode(RanKernel("mul", "not in XNNPACK", 3e-6), "elementwise"),
        RanNode(RanKernel("expand_copy", "not in XNNPACK", 1e-6), "data"),
        RanNode(RanKernel("_to_dim_order_copy", "not in XNNPACK", 5e-7), "data"),
    ]
