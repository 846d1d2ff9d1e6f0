"""The multiply-adds and the element-wise work of the operators that only training dispatches, from shapes."""

from collections.abc import Sequence

import torch

from benchcli.cost.arguments import Arguments
from benchcli.cost.layer_arithmetic import Rule, convolution, pairs, recurrent, recurrent_gradients_elementwise
from benchcli.cost.training_operators import (
    ATTENTION_GRADIENTS,
    CONVOLUTION_GRADIENTS,
    LATTICES,
    LINEAR_GRADIENTS,
    LOSSES,
    NORMALISATION_GRADIENTS,
    RECURRENT_GRADIENTS,
    UPDATES,
)


def wanted(arguments: Arguments, number: int) -> bool:
    """Return whether an operator is to compute its gradient of this number; it says so, or computes all."""
    mask: Sequence[bool] = arguments.get("output_mask") or ()
    return bool(mask[number]) if number < len(mask) else True


def _convolution(arguments: Arguments, _output: torch.Tensor) -> int:
    """The gradients of the input and of the weight take as many multiply-adds as the convolution, each."""
    is_transposed = arguments.get("transposed", "output_padding" in arguments)
    forward = convolution({**arguments, "transposed": is_transposed}, arguments["grad_output"])
    return forward * products_of(arguments)


def products_of(arguments: Arguments) -> int:
    """Return how many of a convolution's two gradients that are convolutions themselves are computed."""
    return wanted(arguments, 0) + wanted(arguments, 1)


def _linear(arguments: Arguments, _output: torch.Tensor) -> int:
    """The gradients of the input and of the weight take as many multiply-adds as the layer, each."""
    columns = arguments["weight"].shape[-1]
    return int(arguments["grad_output"].numel() * columns) * products_of(arguments)


def _attention(arguments: Arguments, _output: torch.Tensor) -> int:
    """Three products as wide as a query, the scores once more among them, and two as wide as a value."""
    query, value = arguments["query"], arguments["value"]
    return pairs(query, arguments["key"]) * int(3 * query.shape[-1] + 2 * value.shape[-1])


def _recurrent(arguments: Arguments, output: torch.Tensor) -> int:
    """The gradients of the states and of the weights take as many multiply-adds as the layer, each."""
    return recurrent(arguments, output) * (1 + wanted(arguments, 3))


def _normalisation_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    """The gradient of the input is written; those of the weight and the bias are sums over all elements."""
    gradient = arguments["grad_output" if "grad_output" in arguments else "grad_out"]
    count = len(arguments["output_mask"]) if "output_mask" in arguments else 3
    return int(gradient.numel()) * sum(wanted(arguments, number) for number in range(count))


def _bias_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    """The gradient of the bias is a sum over the elements of the output's."""
    mask: Sequence[bool] = arguments.get("output_mask") or ()
    return int(arguments["grad_output"].numel()) if len(mask) > 2 and mask[2] else 0


def _attention_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    """The softmax of the scores once more, and its gradient."""
    return 2 * pairs(arguments["query"], arguments["key"])


def _loss_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    return int(arguments["self"].numel())


def _lattice_elementwise(arguments: Arguments, output: torch.Tensor) -> int:
    """The table of the forward pass, or that of the backward pass and the gradient.

    A table has a row for each step, and a column for each label, between any two labels and at both ends.
    """
    probabilities, targets = arguments["log_probs"], arguments["targets"]
    labels = targets.shape[-1] if targets.dim() > 1 else int(max(arguments["target_lengths"]))
    table = probabilities.numel() // probabilities.shape[-1] * (2 * labels + 1)
    return int(table + (output.numel() if "log_alpha" in arguments else 0))


def _update_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    """What the same optimiser writes operator by operator, for each weight."""
    more = ("weight_decay", "amsgrad", "maximize", "nesterov")
    own = 1 if "momentum" in arguments else 7 if "exp_avgs" in arguments else 4
    momentum = 2 if arguments.get("momentum") and not arguments.get("is_first_step") else 0
    scale = arguments.get("grad_scale") is not None
    writes = own + momentum + scale + sum(bool(arguments.get(each)) for each in more)
    return int(writes * sum(each.numel() for each in arguments["self"]))


PRODUCTS: dict[str, Rule] = {
    **dict.fromkeys(CONVOLUTION_GRADIENTS, _convolution),
    **dict.fromkeys(LINEAR_GRADIENTS, _linear),
    **dict.fromkeys(ATTENTION_GRADIENTS, _attention),
    **dict.fromkeys(RECURRENT_GRADIENTS, _recurrent),
}
"""The multiply-adds of the operators that have some."""
ELEMENTWISE: dict[str, Rule] = {
    **dict.fromkeys(CONVOLUTION_GRADIENTS | LINEAR_GRADIENTS, _bias_elementwise),
    **dict.fromkeys(ATTENTION_GRADIENTS, _attention_elementwise),
    **dict.fromkeys(RECURRENT_GRADIENTS, recurrent_gradients_elementwise),
    **dict.fromkeys(NORMALISATION_GRADIENTS, _normalisation_elementwise),
    **dict.fromkeys(LOSSES, _loss_elementwise),
    **dict.fromkeys(LATTICES, _lattice_elementwise),
    **dict.fromkeys(UPDATES, _update_elementwise),
}
