"""The classes of ONNX operators, by name, that determine the costs of a graph's nodes."""

from typing import Final


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


VIEWS: Final = _names("Dropout Flatten Identity Reshape Shape Size Squeeze Unsqueeze")
"""They move no data: what they return shares the memory of their first input."""
MOVES: Final = _names("""
    ArgMax ArgMin Cast Concat ConstantOfShape CumSum DepthToSpace DequantizeLinear DynamicQuantizeLinear Expand Gather
    GatherElements GatherND NonZero OneHot Pad QuantizeLinear Range Resize ReverseSequence ScatterElements ScatterND
    Slice SpaceToDepth Split Tile TopK Transpose Trilu Upsample Where
""")
POOLS: Final = _names("""
    AveragePool GlobalAveragePool GlobalMaxPool LpPool MaxPool ReduceL1 ReduceL2 ReduceLogSumExp ReduceMax ReduceMean
    ReduceMin ReduceProd ReduceSum ReduceSumSquare
""")
ROW_WISE: Final = _names("""
    BatchNormalization GroupNormalization InstanceNormalization LRN LayerNormalization LogSoftmax LpNormalization
    RMSNormalization SimplifiedLayerNormalization Softmax
""")
POINTWISE: Final = _names("""
    Abs Acos Add And Asin Atan BitShift BitwiseAnd BitwiseNot BitwiseOr Ceil Celu Clip Cos Cosh Div Elu Equal Erf Exp
    Floor Gelu Greater GreaterOrEqual HardSigmoid HardSwish IsInf IsNaN LeakyRelu Less LessOrEqual Log Max Mean Min Mish
    Mod Mul Neg Not Or PRelu Pow Reciprocal Relu Round Selu Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Sub Sum Swish
    Tan Tanh ThresholdedRelu Xor
""")
FREE: Final = VIEWS | MOVES | POOLS | ROW_WISE | POINTWISE
"""Operators without a multiply-add."""
