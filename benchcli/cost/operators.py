"""The classes of dispatched operators, by name, that determine costs and profile categories.

A name has no namespace and no overload: `aten.add.Tensor` is "add". An in-place operator has the
name of its out-of-place twin: "relu_" is "relu". An operator that is in no set and is not tagged
point-wise has no rule.
"""

from collections.abc import Sequence
from typing import Final

from benchcli.cost.training_operators import (
    CONVOLUTION_GRADIENTS,
    COPIES_IN_TRAINING,
    ELEMENTWISE_IN_TRAINING,
    POINTWISE_IN_TRAINING,
    PRODUCTS_IN_TRAINING,
    REDUCTIONS_IN_TRAINING,
    ROW_WISE_GRADIENTS,
    SELECTIONS,
    with_backward,
)
from benchcli.schema import Category


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


DEPTHWISE: Final = frozenset({"_conv_depthwise2d", "conv_depthwise3d", "miopen_depthwise_convolution"})
"""The special operators of CUDA and of MIOpen for depthwise convolutions."""
CONVOLUTIONS: Final = DEPTHWISE | _names("""
    conv1d conv2d conv3d _convolution convolution cudnn_convolution cudnn_convolution_relu
    cudnn_convolution_transpose miopen_convolution miopen_convolution_relu miopen_convolution_transpose
    mkldnn_convolution slow_conv3d slow_conv_dilated2d slow_conv_dilated3d slow_conv_transpose2d
    slow_conv_transpose3d thnn_conv2d torchvision.deform_conv2d
""")
ATTENTION: Final = frozenset(
    {
        "_scaled_dot_product_attention_math_for_mps",
        "_scaled_dot_product_cudnn_attention",
        "_scaled_dot_product_efficient_attention",
        "_scaled_dot_product_flash_attention",
        "_scaled_dot_product_flash_attention_for_cpu",
        "_scaled_dot_product_fused_attention_overrideable",
    }
)
"""Scaled dot-product attention in one operator. Other backends decompose into products and a softmax."""
NORMALISATIONS: Final = _names("""
    batch_norm _batch_norm_no_update _batch_norm_with_update cudnn_batch_norm miopen_batch_norm
    native_batch_norm _native_batch_norm_legit _native_batch_norm_legit_no_training
""")
"""Batch normalisation: one multiply-add per element, fused into its producer in inference."""
ROW_WISE: Final = ROW_WISE_GRADIENTS | _names("""
    _fused_rms_norm _log_softmax native_group_norm native_layer_norm _safe_softmax _softmax _thnn_fused_gru_cell
    _thnn_fused_lstm_cell
""")
"""Element-wise work that needs all of a row first, and so is not fused into its producer."""

COPIES: Final = COPIES_IN_TRAINING | with_backward("""
    arange as_strided_scatter bernoulli block_diag cat channel_shuffle clone col2im constant_pad_nd
    contiguous copy diag_embed diagonal_scatter embedding eye fft_fftfreq fft_rfftfreq fill flip full
    full_like gather hamming_window hann_window im2col index index_copy index_fill index_put
    _index_put_impl index_select _jagged_to_padded_dense_forward _lazy_clone linspace lu_unpack
    masked_scatter masked_select multinomial native_channel_shuffle _nested_from_padded
    _nested_tensor_from_tensor_list new_full new_ones new_zeros nonzero normal one_hot ones ones_like
    _pack_padded_sequence _pad_packed_sequence _padded_dense_to_jagged_forward pixel_shuffle
    pixel_unshuffle put rand rand_like randint randint_like randn randn_like random randperm range
    reflection_pad1d reflection_pad2d reflection_pad3d repeat repeat_interleave replication_pad1d
    replication_pad2d replication_pad3d _reshape_copy roll rot90 scalar_tensor scatter select_scatter
    slice_scatter stack _stack take _to_copy _to_dense to_padded_tensor tril tril_indices triu
    triu_indices unfold_copy uniform _unique _weight_norm_interface zero zeros zeros_like
""")
POOLS: Final = with_backward("""
    adaptive_avg_pool1d _adaptive_avg_pool2d adaptive_avg_pool2d _adaptive_avg_pool3d adaptive_avg_pool3d
    adaptive_max_pool2d adaptive_max_pool3d avg_pool1d avg_pool2d avg_pool3d fractional_max_pool2d
    fractional_max_pool3d max_pool1d max_pool2d max_pool2d_with_indices max_pool3d max_pool3d_with_indices
    max_unpool2d max_unpool3d mkldnn_max_pool2d quantized_max_pool2d torchvision.ps_roi_align
    torchvision.ps_roi_pool torchvision.roi_align torchvision.roi_pool
""")
RESIZES: Final = with_backward("""
    affine_grid_generator grid_sampler_2d grid_sampler_3d upsample_bicubic2d _upsample_bicubic2d_aa
    upsample_bilinear2d _upsample_bilinear2d_aa upsample_linear1d upsample_nearest1d upsample_nearest2d
    upsample_nearest3d _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d
    upsample_trilinear3d
""")
"""Interpolation, whose few multiply-adds per element the papers do not count."""
REDUCTIONS: Final = REDUCTIONS_IN_TRAINING | _names("""
    all amax amin aminmax _aminmax any argmax argmin argsort bincount bucketize count_nonzero cummax cummin
    cumprod cumsum dist _embedding_bag _embedding_bag_forward_only equal histc histogram index_add index_reduce
    _is_all_true _is_any_true isin kthvalue linalg_vector_norm logcumsumexp logsumexp max mean median min mode
    nanmedian nansum native_norm norm prod scatter_add scatter_reduce searchsorted segment_reduce sort std
    std_mean sum topk torchvision.nms trace _unique2 unique_consecutive var var_mean _weight_norm_interface
""")
QUANTISED: Final = "quantised product"
"""The name of all convolutions and linear layers with a packed, quantised weight."""
QUANTISED_TRANSPOSED: Final = "quantised transposed product"
QUANTISING: Final = _names("""
    dequantize quantize_per_channel quantize_per_tensor quantize_per_tensor_dynamic quantized.cat
    quantized.embedding_4bit quantized.embedding_bag_4bit_rowwise_offsets quantized.embedding_bag_byte_rowwise_offsets
    quantized.embedding_byte
""")
NO_PRODUCTS: Final = COPIES | POOLS | RESIZES | REDUCTIONS | QUANTISING | ROW_WISE
"""What multiplies no matrices: it reads its inputs and writes its output, fused or not."""

VIEWS: Final = _names("""
    as_strided chunk expand flatten narrow permute reshape select slice split split_with_sizes squeeze t
    transpose unflatten _unsafe_view unsqueeze view
""")
"""Views, which move no data. The time to call them counts as data movement (split, shuffle)."""
POINTWISE: Final = POINTWISE_IN_TRAINING | _names("""
    dropout hardswish hardtanh prelu relu6 silu
    abs addr complex copysign eq floor_divide ge gelu glu gt heaviside le linalg_cross log_sigmoid_forward
    lt masked_fill mish native_dropout ne polar _prelu_kernel quantized.add quantized.add_relu
    quantized.batch_norm2d quantized.batch_norm2d_relu quantized.elu quantized.hardswish
    quantized.leaky_relu quantized.mul quantized.mul_relu quantized.relu6 quantized.sigmoid renorm
    rrelu_with_noise rsub threshold xlogy
""")
"""Point-wise operators that torch does not tag so; a profile shows composites of them by these names."""

NOTHING: Final = _names("""
    alias detach empty lift_fresh empty_like empty_permuted empty_strided new_empty new_empty_strided set
""")
"""Operators that access no element."""

GATHERS: Final = {
    **dict.fromkeys(("embedding", "_embedding_bag", "_embedding_bag_forward_only"), "weight"),
    **dict.fromkeys(("gather", "index", "index_select", "take", *SELECTIONS), "self"),
}
"""Operators that read only the elements that their indices select, and the argument that they read."""
OVERWRITES: Final = _names("""
    bernoulli copy fill _foreach_copy _foreach_zero normal random uniform zero
""")
"""Operators that, in place, write a tensor without reading it."""
OUTPUTS: Final = {
    **dict.fromkeys(
        (
            *ATTENTION,
            *NORMALISATIONS,
            *(POOLS - {"max_unpool2d", "max_unpool3d"}),
            "_embedding_bag",
            "_embedding_bag_forward_only",
            "_fused_rms_norm",
            "log_sigmoid_forward",
            "native_dropout",
            "native_group_norm",
            "native_layer_norm",
        ),
        1,
    ),
    **dict.fromkeys(("_cudnn_rnn", "_lstm_mps", "miopen_rnn", "mkldnn_rnn_layer"), 3),
}
"""How many of its outputs an operator is called for; the others serve training."""


MATRIX_PRODUCTS: Final = ATTENTION | _names("""
    addbmm addmm _addmm_activation addmv baddbmm bilinear bmm chain_matmul dot einsum gru gru_cell inner
    _int_mm linalg_multi_dot _grouped_mm linear linear_dynamic linear_relu lstm lstm_cell _lstm_mps matmul
    miopen_rnn mkldnn_linear mkldnn_rnn_layer mm mv _native_multi_head_attention outer
    quantized_gru_cell_dynamic quantized_lstm_cell_dynamic rnn_relu rnn_relu_cell rnn_tanh rnn_tanh_cell
    _cudnn_rnn _scaled_mm scaled_dot_product_attention tensordot _transformer_encoder_layer_fwd vdot
    _weight_int8pack_mm
""")
"""Products of matrices, attention and recurrent layers; a profile shows composites of them by these names."""
ROW_WISE_COMPOSITES: Final = _names("""
    group_norm instance_norm layer_norm log_softmax rms_norm softmax
""")
MOVING: Final = _names("""
    concat expand_as hstack lift_fresh _local_scalar_dense movedim moveaxis pad reshape_as set swapaxes
    tensor_split tile to type_as unbind unsafe_chunk unsafe_split view_as vstack
""")
"""Composites that only move data or make views; a profile shows them by these names."""


def category(name: str, shapes: Sequence[Sequence[int]], pointwise: bool) -> Category:
    """Return the category of an operator's time.

    `shapes` are those of its arguments; `pointwise` is whether torch tags it as point-wise. A
    convolution is depthwise if each filter reads one channel of several.
    """
    if name in DEPTHWISE:
        return "depthwise"
    if name in CONVOLUTION_GRADIENTS:  # the first shape is that of the output's gradient
        return category("convolution", shapes[1:], pointwise)
    if name in CONVOLUTIONS or name.startswith(QUANTISED_CONVOLUTIONS):
        image, weight = (*(tuple(shape) for shape in shapes[:2]), (), ())[:2]
        return "depthwise" if len(weight) > 1 and weight[1] == 1 and image[1] > 1 else "convolution"
    return next((category for category, names in _CATEGORIES.items() if name in names), _untabled(name, pointwise))


def category_by_name(name: str, shapes: Sequence[Sequence[int]] = ()) -> Category:
    """Return the category of the time of an operator of torch of which a profile says the name, such as "relu_".

    It is point-wise if torch tags one of its overloads so. A runtime may have operators that torch has not.
    """
    import torch

    packet = getattr(torch.ops.aten, name, None)
    overloads = [getattr(packet, each) for each in packet.overloads()] if packet is not None else []
    return category(twin(name), shapes, any(torch.Tag.pointwise in each.tags for each in overloads))


def _untabled(name: str, pointwise: bool) -> Category:
    return "elementwise" if pointwise or is_several(name) else "other"


def is_several(name: str) -> bool:
    """Return whether an operator does the same with each tensor of a list."""
    return name.startswith("_foreach_")


QUANTISED_CONVOLUTIONS: Final = ("conv1d_", "conv2d_", "conv3d_", "conv_transpose")
"""How the names of quantised convolutions begin, whose weight is packed and has no shape."""
_CATEGORIES: Final[dict[Category, frozenset[str]]] = {
    "product": MATRIX_PRODUCTS | PRODUCTS_IN_TRAINING,
    "pooling": POOLS | (REDUCTIONS - {"any", "all"}) | {"adaptive_max_pool1d"},
    "data": (COPIES | VIEWS | NOTHING | RESIZES | MOVING) - {"normal"},
    "elementwise": NORMALISATIONS | POINTWISE | ROW_WISE | ROW_WISE_COMPOSITES | QUANTISING | ELEMENTWISE_IN_TRAINING,
}
"""The operators of each category, by the names that a profile shows."""


def twin(name: str) -> str:
    """Return an operator's name without the trailing underscore of its in-place form."""
    return name[:-1] if name.endswith("_") and not name.endswith("__") else name
