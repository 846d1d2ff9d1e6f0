"""The categories of the nodes of runtimes' graphs, by what their profiles call them."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

from benchcli.cost.onnx_operators import MOVES, POINTWISE, POOLS, ROW_WISE, VIEWS
from benchcli.schema import Category


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


_PREFIXES: Final = re.compile(
    r"^(QLinear|NhwcFused|Nhwc|Fused|SkipSimplified|Skip|Dynamic(?=Quantize)|Bias|Fast|Quick)"
)
"""What ONNX Runtime puts before the name of a fused or a quantised node."""
_CONVOLUTION: Final = re.compile(r"Conv(Transpose|Integer|olution.*)?$|Deconvolution$")
_QUANTISING: Final = _names("QuantizeLinear DequantizeLinear FakeQuantize")
_CATEGORIES: Final[Mapping[Category, frozenset[str]]] = {
    "product": _names("""
        Attention BatchMatrixMultiply DynamicFullyConnected Einsum FullyConnected GRU GRUCell GRUSequence Gemm
        GroupQueryAttention LSTM LSTMCell LSTMSequence MatMul MatMulInteger MatMulNBits MultiHeadAttention QAttention
        QGemm RNN RNNCell RNNSequence ScaledDotProductAttention TensorIterator
    """),
    "elementwise": ROW_WISE
    | POINTWISE
    | _QUANTISING
    | _names("""
        BankersRounding BinaryElementwise Clamp Cosine Divide ELU Eltwise GELU HSigmoid HSwish InvalidUnaryOp LeakyReLU
        LogicalAnd LogicalNot LogicalOr Maximum Minimum Multiply Mvn MVN Negate Negative NormalizeL2 NotEqual PReLU
        Power RMS ReLU ReciprocalSquareRoot Sine SoftPlus Square SquareRoot SquaredDifference Subgraph Subtract
        UnaryElementwise
    """),
    "pooling": POOLS
    | _names("""
        AdaptiveAvgPool AdaptiveMaxPool ArgmaxPooling AveragePooling AvgPool GlobalAveragePooling MaxPooling
        ReduceLogicalAnd ReduceLogicalOr
    """),
    "data": (MOVES | VIEWS) - _QUANTISING
    | _names("""
        Broadcast Concatenate ConstantPad Convert ConvertLike Copy EvenSplit Interpolate Reorder ReorderInput
        ReorderOutput ResizeBilinear Roll ScatterUpdate Select ShuffleChannels StaticReshape StridedSlice VariadicSplit
    """),
}
"""By the names of ONNX, of ONNX Runtime, of OpenVINO, and of XNNPACK without their blanks."""


def category_of_node(name: str, shapes: Sequence[Sequence[int]] = (), is_depthwise: bool = False) -> Category:
    """Return the category of a node's time.

    `shapes` are those of its inputs, where the runtime says them: of a convolution the image, and the
    weight before or after the scales of a quantised one. It is depthwise if each filter reads one
    channel of several, or if the runtime says so.
    """
    plain = _PREFIXES.sub("", name)
    if _CONVOLUTION.search(plain):
        image, *others = [shape for shape in shapes if len(shape) > 2] or [()]
        reads_one = any(weight[1] == 1 and image[1] > 1 for weight in others[:1])
        return "depthwise" if reads_one or is_depthwise else "convolution"
    return next((category for category, names in _CATEGORIES.items() if plain in names), "other")
