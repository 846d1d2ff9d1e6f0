"""Which dispatched operator does what: the rules that the memory walk applies, by operator name.

A name is the operator's without its namespace and overload: `aten.add.Tensor` is "add". An in-place operator
is named as its twin, "relu_" as "relu". A name that is in no set and is not tagged point-wise has no rule.
"""

from typing import Final

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
"""Batch normalisation in inference: one multiply-add an element, and an epilogue of what feeds it."""

MOVEMENTS: Final = frozenset(
    {
        "_adaptive_avg_pool2d",
        "adaptive_avg_pool2d",
        "amax",
        "avg_pool2d",
        "cat",
        "channel_shuffle",
        "native_channel_shuffle",
        "clone",
        "_to_copy",
        "constant_pad_nd",
        "contiguous",
        "copy",
        "cumsum",
        "index",
        "index_select",
        "max_pool2d",
        "max_pool2d_with_indices",
        "mean",
        "pixel_shuffle",
        "roll",
        "stack",
        "sum",
        "upsample_bilinear2d",
        "upsample_nearest2d",
        "zeros_like",
        "ones_like",
        "full_like",
        "fill",
        "zero",
    }
)
"""Pools, reductions and copies: they read their inputs and write their output, fused or not."""

NOTHING: Final = frozenset({"empty", "empty_like", "empty_strided", "new_empty", "detach", "dropout", "alias"})
"""They touch no element."""


def convolution_bias(name: str, arguments: tuple[object, ...]) -> bool:
    """Say whether a convolution or product adds a bias: one element-wise addition an output element."""
    if name in CONVOLUTIONS or name == "linear":
        return len(arguments) > 2 and arguments[2] is not None
    return name in {"addmm", "baddbmm", "addmv"}
