"""The multiply-adds and the element-wise work of each operator, from the shapes of its arguments.

A rule gets the arguments by the names of the operator's schema, and the operator's first output.
"""

import math
from collections.abc import Callable, Collection, Sequence

import torch

from benchcli.cost.arguments import Arguments
from benchcli.cost.operators import (
    ATTENTION,
    CONVOLUTIONS,
    NO_PRODUCTS,
    NORMALISATIONS,
    POINTWISE,
    QUANTISED,
    QUANTISED_TRANSPOSED,
    ROW_WISE,
)

Rule = Callable[[Arguments, torch.Tensor], int]


def multiply_adds(name: str, tags: Collection[torch.Tag], arguments: Arguments, output: torch.Tensor) -> int | None:
    """Return an operator's multiply-adds; None if there is no rule for it."""
    rule = _PRODUCTS.get(name)
    if rule:
        return rule(arguments, output)
    is_free = is_pointwise(name, tags) or torch.Tag.reduction in tags or name in NORMALISATIONS | NO_PRODUCTS
    return 0 if is_free or not output.numel() else None


def elementwise(name: str, tags: Collection[torch.Tag], arguments: Arguments, outputs: Sequence[torch.Tensor]) -> int:
    """Return the elements that an operator writes by element-wise work, a product's bias included."""
    if is_pointwise(name, tags):
        return sum(each.numel() for each in outputs)
    rule = _ELEMENTWISE.get(name)
    if rule:
        return rule(arguments, outputs[0])
    has_bias = name in _PRODUCTS and arguments.get("bias") is not None
    return outputs[0].numel() if has_bias or name in NORMALISATIONS | ROW_WISE else 0


def is_pointwise(name: str, tags: Collection[torch.Tag]) -> bool:
    """Return whether an operator is point-wise. A copy is not, though torch tags `clone` so."""
    is_several = name.startswith("_foreach_")  # the same for each tensor of a list
    return is_several or ((torch.Tag.pointwise in tags or name in POINTWISE) and name not in NO_PRODUCTS)


def _convolution(arguments: Arguments, output: torch.Tensor) -> int:
    """Every output element meets one filter; in a transposed convolution, every input element does."""
    weight = arguments["weight"]
    met = arguments["input" if "input" in arguments else "self"] if arguments.get("transposed") else output
    return int(met.numel() * weight[0].numel())


def _transposed(arguments: Arguments, output: torch.Tensor) -> int:
    return _convolution({**arguments, "transposed": True}, output)


def _product(one: str, sums: int = 1) -> Rule:
    """Return the rule of a matrix product whose first matrix is `one`: output elements times its columns.

    `sums` is the number of products in each sum for a batched product that is summed over its batch.
    """

    def rule(arguments: Arguments, output: torch.Tensor) -> int:
        matrix = arguments[one]
        return int(output.numel() * matrix.shape[-1]) * (matrix.shape[0] if sums > 1 else 1)

    return rule


def _all_of(one: str) -> Rule:
    """Return the rule of a product that uses each element of one argument once."""
    return lambda arguments, _output: int(arguments[one].numel())


def _attention(arguments: Arguments, output: torch.Tensor) -> int:
    """Scores of every query with every key, and sums of the values; what a mask hides is counted."""
    query = arguments["query"]
    return _pairs(query, arguments["key"]) * int(query.shape[-1] + output.shape[-1])


def _pairs(query: torch.Tensor, key: torch.Tensor) -> int:
    return int(math.prod(query.shape[:-1]) * key.shape[-2])


def _heads(arguments: Arguments, _output: torch.Tensor) -> int:
    """Self or cross attention with its four projections, for (batch, length, width)."""
    query, key, width = arguments["query"], arguments["key"], arguments["embed_dim"]
    tokens, others = (math.prod(each.shape[:-1]) for each in (query, key))
    return int(2 * width * width * (tokens + others) + 2 * width * _pairs(query, key))


def _heads_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    """The four biases, and the softmax of each head."""
    query, key, width = arguments["query"], arguments["key"], arguments["embed_dim"]
    tokens, others = (math.prod(each.shape[:-1]) for each in (query, key))
    return int(2 * width * (tokens + others) + arguments["num_head"] * _pairs(query, key))


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


def _recurrent(arguments: Arguments, _output: torch.Tensor) -> int:
    """Every matrix meets every step of every sequence."""
    inputs = arguments["input"]
    steps = inputs.numel() // inputs.shape[-1]
    return int(steps * sum(each.numel() for each in _weights(arguments) if each.dim() == 2))


def _weights(arguments: Arguments) -> list[torch.Tensor]:
    several = arguments.get("weight", arguments.get("params"))
    return several if several is not None else [arguments["weight0"], arguments["weight1"]]


GATES = {0: (1, 1), 1: (1, 1), 2: (4, 9), 3: (3, 7)}
"""By mode (ReLU, tanh, LSTM, GRU): a recurrent layer's gates, and the elements written besides sums of gates."""


def _recurrent_elementwise(arguments: Arguments, output: torch.Tensor) -> int:
    """What the same layer writes step by step: two biases and a sum for each gate, and the rest."""
    gates, others = GATES[arguments.get("mode", 2)]
    has_biases = arguments.get("has_biases", arguments.get("weight_stride0") == 4)
    # oneDNN's operator is one layer in one direction, the others are all of them.
    layers = 1 if "weight0" in arguments else arguments["num_layers"]
    return output.numel() * layers * (gates * (3 if has_biases else 1) + others)


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
    **dict.fromkeys(CONVOLUTIONS, _convolution),
    **dict.fromkeys((each for each in CONVOLUTIONS if "transpose" in each), _transposed),
    **dict.fromkeys(("mm", "bmm", "_int_mm", "_scaled_mm", "_weight_int8pack_mm", "mkldnn_linear"), _product("self")),
    **dict.fromkeys(("addmm", "_addmm_activation"), _product("mat1")),
    "baddbmm": _product("batch1"),
    "addbmm": _product("batch1", sums=2),
    "linear": _product("input"),
    "mv": _all_of("self"),
    "addmv": _all_of("mat"),
    **dict.fromkeys(("dot", "vdot"), _all_of("self")),
    **dict.fromkeys(ATTENTION, _attention),
    "_native_multi_head_attention": _heads,
    "_transformer_encoder_layer_fwd": _encoder,
    **dict.fromkeys(("mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn", "_lstm_mps"), _recurrent),
    QUANTISED: _quantised,
    QUANTISED_TRANSPOSED: _quantised_transposed,
    **dict.fromkeys((f"quantized.quantized_{kind}_cell_dynamic" for kind in ("lstm", "gru")), _cell),
    **dict.fromkeys((f"quantized.quantized_rnn_{kind}_cell_dynamic" for kind in ("relu", "tanh")), _cell),
}

_ELEMENTWISE: dict[str, Rule] = {
    **dict.fromkeys(
        ("addmm", "_addmm_activation", "baddbmm", "addbmm", "addmv"), lambda _arguments, output: output.numel()
    ),
    **dict.fromkeys(ATTENTION, lambda arguments, _output: _pairs(arguments["query"], arguments["key"])),
    "_native_multi_head_attention": _heads_elementwise,
    "_transformer_encoder_layer_fwd": _encoder_elementwise,
    **dict.fromkeys(("mkldnn_rnn_layer", "_cudnn_rnn", "miopen_rnn", "_lstm_mps"), _recurrent_elementwise),
}
