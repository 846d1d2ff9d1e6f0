"""The arithmetic of convolutions, attention and recurrent layers, from the shapes of their arguments."""

import math
from collections.abc import Callable

import torch

from benchcli.cost.arguments import Arguments
from benchcli.schema import Geometry

Rule = Callable[[Arguments, torch.Tensor], int]
"""Returns a count of an operator's arguments, by the names of its schema, and of its first output."""


def convolution(arguments: Arguments, output: torch.Tensor) -> int:
    """Every output element meets one filter; in a transposed convolution, every input element does."""
    weight = arguments["weight"]
    met = image(arguments) if arguments.get("transposed") else output
    return int(met.numel() * weight[0].numel())


def transposed(arguments: Arguments, output: torch.Tensor) -> int:
    """Every input element meets one filter."""
    return convolution({**arguments, "transposed": True}, output)


def image(arguments: Arguments) -> torch.Tensor:
    """Return the input of a convolution."""
    tensor: torch.Tensor = arguments["input" if "input" in arguments else "self"]
    return tensor


def attention(arguments: Arguments, output: torch.Tensor) -> int:
    """Scores of every query with every key, and sums of the values; what a mask hides is counted."""
    query = arguments["query"]
    return pairs(query, arguments["key"]) * int(query.shape[-1] + output.shape[-1])


def pairs(query: torch.Tensor, key: torch.Tensor) -> int:
    """Return the number of scores: one for each query of each head with each key."""
    return int(math.prod(query.shape[:-1]) * key.shape[-2])


def recurrent(arguments: Arguments, _output: torch.Tensor) -> int:
    """Every matrix meets every step of every sequence."""
    inputs = arguments["input"]
    steps = inputs.numel() // inputs.shape[-1]
    return int(steps * sum(each.numel() for each in _weights(arguments) if each.dim() == 2))


def _weights(arguments: Arguments) -> list[torch.Tensor]:
    several = arguments.get("weight", arguments.get("params"))
    if several is not None:
        return list(several)
    return [each for name, each in arguments.items() if name in {"weight0", "weight1", "weight2"}]


GATES = {0: (1, 1, 2), 1: (1, 1, 2), 2: (4, 9, 13), 3: (3, 7, 11)}
"""By mode (ReLU, tanh, LSTM, GRU): a recurrent layer's gates, and what it writes besides them, forward and backward."""


def recurrent_elementwise(arguments: Arguments, output: torch.Tensor) -> int:
    """What the same layer writes step by step: two biases and a sum for each gate, and the rest."""
    gates, others, _ = GATES[arguments.get("mode", 2)]
    return output.numel() * _layers(arguments) * (gates * (3 if _has_biases(arguments) else 1) + others)


def recurrent_gradients_elementwise(arguments: Arguments, _output: torch.Tensor) -> int:
    """What the same layer does step by step: sums for the gradients of two biases for each gate, and the rest.

    The gradient of a matrix is one product over all steps, and no sum of products.
    """
    gates, _, others = GATES[arguments.get("mode", 2)]
    output = next(arguments[each] for each in ("output", "grad_y", "grad_hy") if arguments.get(each) is not None)
    return int(output.numel()) * _layers(arguments) * (gates * (2 if _has_biases(arguments) else 0) + others)


def _has_biases(arguments: Arguments) -> bool:
    return bool(arguments.get("has_biases", arguments.get("weight_stride0") == 4))


def _layers(arguments: Arguments) -> int:
    # oneDNN's operator is one layer in one direction, the others are all of them.
    return 1 if "weight1" in arguments else int(arguments["num_layers"])


def window(arguments: Arguments) -> int:
    """Return the size of a convolution's window, which minimal filtering may save (Winograd, 1980)."""
    return math.prod(arguments["weight"].shape[2:])


def geometry(arguments: Arguments) -> Geometry | None:
    """Return how a convolution's window moves; None if its arguments do not say so, as those of a packed one."""
    sizes = [arguments.get(name) for name in ("stride", "padding", "dilation")]
    if not all(isinstance(each, list | tuple) for each in sizes) or "groups" not in arguments:
        return None
    dimensions = arguments["weight"].dim() - 2
    stride, padding, dilation = (tuple(each) * dimensions if len(each) == 1 else tuple(each) for each in sizes if each)
    return Geometry(stride, padding, dilation, int(arguments["groups"]), bool(arguments.get("transposed")))
