"""The classes of dispatched operators, by name, that determine costs and profile categories.

A name has no namespace and no overload: `aten.add.Tensor` is "add". An in-place operator has the
name of its out-of-place twin: "relu_" is "relu". An operator that is in no set and is not tagged
point-wise has no rule.
"""

from collections.abc import Sequence
from typing import Final

from benchcli.schema import Category

CONVOLUTIONS: Final = frozenset(
    {"convolution", "conv1d", "conv2d", "conv3d", "_convolution", "cudnn_convolution", "mkldnn_convolution"}
)
PRODUCTS: Final = frozenset({"mm", "addmm", "bmm", "baddbmm", "linear", "matmul", "addmv", "mv", "dot"})
NORMALISATIONS: Final = frozenset(
    {
        "batch_norm",
        "native_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
        "_batch_norm_no_update",
        "cudnn_batch_norm",
        "miopen_batch_norm",
    }
)
"""Batch normalisation in inference: one multiply-add per element, fused into its producer."""

COPIES: Final = frozenset(
    {
        "cat",
        "channel_shuffle",
        "native_channel_shuffle",
        "clone",
        "_to_copy",
        "constant_pad_nd",
        "contiguous",
        "copy",
        "index",
        "index_select",
        "pixel_shuffle",
        "roll",
        "stack",
        "zeros_like",
        "ones_like",
        "full_like",
        "fill",
        "zero",
    }
)
MOVEMENTS: Final = COPIES | {
    "_adaptive_avg_pool2d",
    "adaptive_avg_pool2d",
    "amax",
    "avg_pool2d",
    "cumsum",
    "max_pool2d",
    "max_pool2d_with_indices",
    "mean",
    "sum",
    "upsample_bilinear2d",
    "upsample_nearest2d",
}
"""Copies, pooling and reductions, which read their inputs and write their output, fused or not."""

VIEWS: Final = frozenset(
    {
        "as_strided",
        "chunk",
        "expand",
        "flatten",
        "narrow",
        "permute",
        "reshape",
        "select",
        "slice",
        "split",
        "split_with_sizes",
        "squeeze",
        "t",
        "transpose",
        "unflatten",
        "unsqueeze",
        "view",
        "_unsafe_view",
    }
)
"""Views, which move no data. The time to call them counts as data movement (split, shuffle)."""
DEPTHWISE: Final = frozenset({"_conv_depthwise2d", "conv_depthwise3d"})
"""CUDA's special operators for depthwise convolutions."""
POINTWISE: Final = frozenset({"relu6", "hardtanh", "hardswish", "silu", "dropout", "prelu"})
"""Composites of point-wise operators; inference mode dispatches them undecomposed and untagged."""

NOTHING: Final = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "detach", "dropout", "alias"})
"""Operators that access no element."""


def category(name: str, shapes: Sequence[Sequence[int]], pointwise: bool) -> Category:
    """Return the category of an operator's time.

    `shapes` are those of its arguments; `pointwise` is whether torch tags it as point-wise. A
    convolution is depthwise if each filter reads one channel of several.
    """
    if name in DEPTHWISE:
        return "depthwise"
    if name in CONVOLUTIONS:
        image, weight = (tuple(shape) for shape in shapes[:2])
        return "depthwise" if len(weight) > 1 and weight[1] == 1 and image[1] > 1 else "convolution"
    if name in COPIES | VIEWS:
        return "data"
    if pointwise or name in NORMALISATIONS | POINTWISE:
        return "elementwise"
    return "other"


def twin(name: str) -> str:
    """Return an operator's name without the trailing underscore of its in-place form."""
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name


def convolution_bias(name: str, arguments: tuple[object, ...]) -> bool:
    """Return whether a convolution or product adds a bias: one addition per output element."""
    if name in CONVOLUTIONS or name == "linear":
        return len(arguments) > 2 and arguments[2] is not None
    return name in {"addmm", "baddbmm", "addmv"}
