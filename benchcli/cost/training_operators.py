"""The classes of operators that only training dispatches, by name: gradients, losses and updates of weights.

Many a backward operator has the name of its forward twin and an ending; `with_backward` adds those.
"""

from typing import Final


def with_backward(text: str) -> frozenset[str]:
    """Return the names in a text, and those that their backward operators have if they have one."""
    names = _names(text)
    return names | {f"{each}_backward" for each in names}


def _names(text: str) -> frozenset[str]:
    return frozenset(text.split())


CONVOLUTION_GRADIENTS: Final = _names("""
    convolution_backward convolution_backward_overrideable mps_convolution_backward
    mps_convolution_transpose_backward _slow_conv2d_backward
""")
"""Up to three gradients of a convolution in one operator: of the input, of the weight and of the bias."""
ATTENTION_GRADIENTS: Final = _names("""
    _scaled_dot_product_cudnn_attention_backward _scaled_dot_product_efficient_attention_backward
    _scaled_dot_product_flash_attention_backward _scaled_dot_product_flash_attention_for_cpu_backward
    _scaled_dot_product_fused_attention_overrideable_backward
""")
RECURRENT_GRADIENTS: Final = _names("""
    _cudnn_rnn_backward lstm_mps_backward miopen_rnn_backward mkldnn_rnn_layer_backward
""")
LINEAR_GRADIENTS: Final = frozenset({"linear_backward", "mkldnn_linear_backward"})
PRODUCTS_IN_TRAINING: Final = ATTENTION_GRADIENTS | RECURRENT_GRADIENTS | LINEAR_GRADIENTS

NORMALISATION_GRADIENTS: Final = _names("""
    batch_norm_backward cudnn_batch_norm_backward _fused_rms_norm_backward miopen_batch_norm_backward
    native_batch_norm_backward native_group_norm_backward native_layer_norm_backward
""")
"""Gradients of the input, the weight and the bias of a normalisation; the latter two are sums over all elements."""
ROW_WISE_GRADIENTS: Final = _names("""
    _log_softmax_backward_data _masked_softmax_backward _softmax_backward_data _thnn_fused_gru_cell_backward
    _thnn_fused_lstm_cell_backward_impl
""")

LOSSES: Final = _names("""
    binary_cross_entropy huber_loss mse_loss multi_margin_loss multilabel_margin_loss_forward smooth_l1_loss
    soft_margin_loss
""")
"""Losses that do point-wise work and add up what it gives, in one operator."""
LATTICES: Final = frozenset({"_ctc_loss", "_ctc_loss_backward", "_cudnn_ctc_loss"})
"""Connectionist temporal classification, which fills a table for each sequence."""
LOSS_GRADIENTS: Final = frozenset({f"{each.removesuffix('_forward')}_backward" for each in LOSSES})
SELECTIONS: Final = frozenset({"nll_loss_forward", "nll_loss2d_forward"})
"""Losses that read one element of each row, and add these up."""
POINTWISE_GRADIENTS: Final = LOSS_GRADIENTS | _names("""
    batch_norm_backward_elemt elu_backward glu_backward hardshrink_backward hardsigmoid_backward hardswish_backward
    hardtanh_backward leaky_relu_backward log_sigmoid_backward _masked_scale mish_backward _prelu_kernel_backward
    rrelu_with_noise_backward silu_backward softplus_backward softshrink_backward
""")
POINTWISE_IN_TRAINING: Final = POINTWISE_GRADIENTS | _names("""
    _amp_foreach_non_finite_check_and_unscale _amp_update_scale batch_norm_elemt _fused_dropout
""")
REDUCTIONS_IN_TRAINING: Final = SELECTIONS | _names("""
    batch_norm_backward_reduce batch_norm_gather_stats batch_norm_gather_stats_with_counts batch_norm_stats
    _embedding_bag_per_sample_weights_backward _foreach_max _foreach_norm _foreach_powsum _grad_sum_to_size
    _weight_norm_interface_backward
""")
COPIES_IN_TRAINING: Final = _names("""
    as_strided_backward diagonal_backward _embedding_bag_backward _embedding_bag_dense_backward
    embedding_dense_backward _foreach_clone _foreach_copy _foreach_zero masked_scatter_backward nll_loss2d_backward
    nll_loss_backward _pack_padded_sequence_backward select_backward slice_backward unfold_backward
""")
"""Gradients of gathers and of views: zeros, into which the gradient is copied or added."""

UPDATES: Final = frozenset({"_fused_adagrad", "_fused_adam", "_fused_adamw", "_fused_sgd"})
"""The update of all weights in one operator."""

ELEMENTWISE_IN_TRAINING: Final = LATTICES | LOSSES | NORMALISATION_GRADIENTS | UPDATES
"""Operators without multiply-adds that are not point-wise, and have rules of their own for element-wise work."""

SHAPES_ONLY: Final = dict.fromkeys(
    _names("""
    _adaptive_avg_pool2d_backward _adaptive_avg_pool3d_backward adaptive_max_pool2d_backward
    adaptive_max_pool3d_backward avg_pool2d_backward avg_pool3d_backward fractional_max_pool2d_backward
    fractional_max_pool3d_backward max_pool2d_with_indices_backward max_pool3d_with_indices_backward
    nll_loss2d_backward nll_loss_backward reflection_pad1d_backward reflection_pad2d_backward
    reflection_pad3d_backward replication_pad1d_backward replication_pad2d_backward replication_pad3d_backward
"""),
    ("self",),
)
"""Backward operators, each with the arguments of which they read no more than the shape."""
