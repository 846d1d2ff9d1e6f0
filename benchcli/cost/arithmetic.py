"""The multiply-adds and the element-wise work of each operator, from the shapes of its arguments.

A rule gets the arguments by the names of the operator's schema, and the operator's first output.
"""

import math
from collections.abc import Collection, Sequence

import torch

from benchcli.cost import gradients
from benchcli.cost.arguments import Arguments
from benchcli.cost.autograd import is_backward
from benchcli.cost.complex_products import PRODUCTS
from benchcli.cost.contractions import CONTRACTIONS
from benchcli.cost.formulas import FORMULAS, MATRIX_FORMULAS, TRANSFORM_FORMULAS
from benchcli.cost.layer_arithmetic import (
    Rule,
    attention,
    convolution,
    pairs,
    recurrent,
    recurrent_elementwise,
    transposed,
)
from benchcli.cost.operators import (
    ATTENTION,
    CONVOLUTIONS,
    NO_PRODUCTS,
    NORMALISATIONS,
    POINTWISE,
    QUANTISED,
    QUANTISED_TRANSPOSED,
    ROW_WISE,
    is_several,
)
from benchcli.cost.training_operators import ELEMENTWISE_IN_TRAINING


def multiply_adds(name: str, tags: Collection[torch.Tag], arguments: Arguments, output: torch.Tensor) -> int | None:
    """Return an operator's multiply-adds; None if there is no rule for it."""
    rule = _PRODUCTS.get(name)
    if rule:
        return rule(arguments, output) * (PRODUCTS if _is_complex(arguments) else 1)
    if name in MATRIX_FORMULAS:
        return round(MATRIX_FORMULAS[name](arguments, output) * (PRODUCTS if _is_complex(arguments) else 1))
    if name in TRANSFORM_FORMULAS:
        return round(TRANSFORM_FORMULAS[name](arguments, output))
    return 0 if _is_free(name, tags) or not output.numel() else None


def has_rule(name: str, tags: Collection[torch.Tag]) -> bool:
    """Return whether there is a rule for an operator's multiply-adds."""
    return name in _PRODUCTS or name in FORMULAS or _is_free(name, tags)


def _is_free(name: str, tags: Collection[torch.Tag]) -> bool:
    return is_pointwise(name, tags) or torch.Tag.reduction in tags or name in _FREE


def _is_complex(arguments: Arguments) -> bool:
    return any(isinstance(each, torch.Tensor) and each.is_complex() for each in arguments.values())


def elementwise(name: str, tags: Collection[torch.Tag], arguments: Arguments, outputs: Sequence[torch.Tensor]) -> int:
    """Return the elements that an operator writes by element-wise work, a product's bias included."""
    if is_pointwise(name, tags):
        return sum(each.numel() for each in outputs)
    rule = _ELEMENTWISE.get(name)
    if rule:
        return rule(arguments, outputs[0])
    if name == "sum" and is_backward():  # the gradient of what was broadcast, such as a bias
        return int(arguments["self"].numel())
    has_bias = name in _PRODUCTS and arguments.get("bias") is not None
    return outputs[0].numel() if has_bias or name in NORMALISATIONS | ROW_WISE else 0


def is_pointwise(name: str, tags: Collection[torch.Tag]) -> bool:
    """Return whether an operator is point-wise. A copy is not, though torch tags `clone` so."""
    return (is_several(name) or torch.Tag.pointwise in tags or name in POINTWISE) and name not in NO_PRODUCTS


def _product(one: str, sums: int = 1) -> Rule:
    """Return the rule of a matrix product whose first matrix is `one`: output elements times its columns.

    `sums` is the number of products in each sum for a batched product that is summed over its batch.
    """

    def rule(arguments: Arguments, output: torch.Tensor) -> int:
        matrix = arguments[one]
        return int(output.numel() * matrix.shape[-1]) * (matrix.shape[0] if sums > 1 else 1)

    return rule


def _grouped(arguments: Arguments, output: torch.Tensor) -> int:
    """Each row meets the matrix of its group; of two matrices without groups' dimension, the columns are in groups."""
    one, other = arguments["self"], arguments["mat2"]
    written = output[0] if one.dim() == other.dim() == 2 else output
    return int(written.numel() * one.shape[-1])


def _all_of(one: str) -> Rule:
    """Return the rule of a product that uses each element of one argument once."""
    return lambda arguments, _output: int(arguments[one].numel())


def _heads(arguments: Arguments, _output: torch.Tensor) -> int:
    """Self or cross attention with its four projections, for (batch, length, width)."""
    query, key, width = arguments["query"], arguments["key"], arguments["embed_dim"]
    tokens, others = (math.prod(each.shape[:-1]) for each in (query, key))
    return int(2 * width * width * (tokens + others) + 2 * width * pairs(query, key))


def _heads_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    """The four biases, and the softmax of each head."""
    query, key, width = arguments["query"], arguments["key"], arguments["embed_dim"]
    tokens, others = (math.prod(each.shape[:-1]) for each in (query, key))
    return int(2 * width * (tokens + others) + arguments["num_head"] * pairs(query, key))


def _encoder(arguments: Arguments, output: torch.Tensor) -> int:
    return _heads(_as_heads(arguments), output) + _tokens(arguments) * _feed_forward(arguments, "weight")


def _encoder_elementwise(arguments: Arguments, output: torch.Tensor) -> int:
    """Those of the heads, the biases and the activation between, two additions and two norms."""
    widths = _feed_forward(arguments, "bias") + arguments["ffn_bias_1"].numel() + 4 * arguments["embed_dim"]
    return _heads_elementwise(_as_heads(arguments), output) + int(_tokens(arguments) * widths)


def _as_heads(arguments: Arguments) -> Arguments:
    source = arguments["src"]
    return {**arguments, "query": source, "key": source, "num_head": arguments["num_heads"]}


def _tokens(arguments: Arguments) -> int:
    return math.prod(arguments["src"].shape[:-1])


def _feed_forward(arguments: Arguments, kind: str) -> int:
    return int(sum(arguments[f"ffn_{kind}_{number}"].numel() for number in (1, 2)))


def _quantised(arguments: Arguments, output: torch.Tensor) -> int:
    """Every output element meets one row, or filter, of the packed weight."""
    return int(output.numel() * arguments["weight"][0].numel())


def _quantised_transposed(arguments: Arguments, _output: torch.Tensor) -> int:
    """Every input element meets one filter of the packed weight."""
    images = next(each for each in arguments.values() if isinstance(each, torch.Tensor))
    return int(images.numel() * arguments["weight"][0].numel())


def _cell(arguments: Arguments, output: torch.Tensor) -> int:
    """Both packed matrices meet each row of the batch once."""
    weights = [arguments["weight"], *(each for each in arguments["others"] if each is not None and each.dim() == 2)]
    return int(output.shape[0] * sum(each.numel() for each in weights))


_PRODUCTS: dict[str, Rule] = {
    **dict.fromkeys(CONVOLUTIONS, convolution),
    **dict.fromkeys((each for each in CONVOLUTIONS if "transpose" in each), transposed),
    **dict.fromkeys(("mm", "bmm", "_int_mm", "_scaled_mm", "_weight_int8pack_mm", "mkldnn_linear"), _product("self")),
    **dict.fromkeys(("addmm", "_addmm_activation"), _product("mat1")),
    "_grouped_mm": _grouped,
    "baddbmm": _product("batch1"),
    "addbmm": _product("batch1", sums=2),
    "linear": _product("input"),
    "mv": _all_of("self"),
    "addmv": _all_of("mat"),
    **dict.fromkeys(("dot", "vdot"), _all_of("self")),
    **dict.fromkeys(ATTENTION, attention),
    **CONTRACTIONS,
    "_native_multi_head_attention": _heads,
    "_transformer_encoder_layer_fwd": _encoder,
    **dict.fromkeys(("mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn", "_lstm_mps"), recurrent),
    **gradients.PRODUCTS,
    QUANTISED: _quantised,
    QUANTISED_TRANSPOSED: _quantised_transposed,
    **dict.fromkeys((f"quantized.quantized_{kind}_cell_dynamic" for kind in ("lstm", "gru")), _cell),
    **dict.fromkeys((f"quantized.quantized_rnn_{kind}_cell_dynamic" for kind in ("relu", "tanh")), _cell),
}

_FREE = NORMALISATIONS | NO_PRODUCTS | ELEMENTWISE_IN_TRAINING

_ELEMENTWISE: dict[str, Rule] = {
    **gradients.ELEMENTWISE,
    **dict.fromkeys(
        ("addmm", "_addmm_activation", "baddbmm", "addbmm", "addmv"), lambda _arguments, output: output.numel()
    ),
    **dict.fromkeys(ATTENTION, lambda arguments, _output: pairs(arguments["query"], arguments["key"])),
    "_native_multi_head_attention": _heads_elementwise,
    "_transformer_encoder_layer_fwd": _encoder_elementwise,
    **dict.fromkeys(("mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn", "_lstm_mps"), recurrent_elementwise),
}
