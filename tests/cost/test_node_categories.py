"""The categories of the nodes of runtimes' graphs."""

import pytest

from benchcli.cost.node_categories import category_of_node

IMAGE, DENSE, DEPTHWISE = [1, 16, 8, 8], [32, 16, 3, 3], [16, 1, 3, 3]


@pytest.mark.parametrize(
    ("name", "shapes", "category"),
    [
        ("Conv", [IMAGE, DENSE, [32]], "convolution"),
        ("Conv", [IMAGE, DEPTHWISE, [16]], "depthwise"),
        ("FusedConv", [IMAGE, DEPTHWISE], "depthwise"),
        ("QLinearConv", [IMAGE, [], [], DEPTHWISE, [16], [16]], "depthwise"),
        ("Conv", [[1, 1, 8, 8], [16, 1, 3, 3]], "convolution"),  # one channel is all that there is
        ("ConvTranspose", [IMAGE, DENSE], "convolution"),
        ("Convolution", [], "convolution"),
        ("Gemm", [[1, 16], [16, 10]], "product"),
        ("QGemm", [], "product"),
        ("FullyConnected", [], "product"),
        ("FusedMatMul", [], "product"),
        ("SkipLayerNormalization", [], "elementwise"),
        ("QuantizeLinear", [], "elementwise"),
        ("DynamicQuantizeLinear", [], "elementwise"),
        ("Multiply", [], "elementwise"),
        ("NhwcMaxPool", [], "pooling"),
        ("ReduceMean", [], "pooling"),
        ("QLinearConcat", [], "data"),
        ("Transpose", [], "data"),
        ("ShuffleChannels", [], "data"),
        ("Reorder", [], "data"),
        ("NonMaxSuppression", [], "other"),
    ],
)
def test_a_node_has_the_category_of_what_it_computes(name: str, shapes: list[list[int]], category: str) -> None:
    assert category_of_node(name, shapes) == category


def test_a_runtime_may_say_itself_that_a_convolution_is_depthwise() -> None:
    assert category_of_node("GroupConvolution", is_depthwise=True) == "depthwise"
