"""The multiply-adds of products that are neither convolutions nor products of two matrices."""

import math
from collections.abc import Callable

import torch

from benchcli.cost.arguments import Arguments


def _trilinear(arguments: Arguments, _output: torch.Tensor) -> int:
    """The product of the first two tensors, summed over what the third lacks, and then that with the third."""
    factors = [_expanded(arguments[f"i{number}"], arguments[f"expand{number}"]) for number in (1, 2, 3)]
    summed_first = set(arguments["expand3"]) & set(arguments["sumdim"])
    both = [max(sizes) for sizes in zip(*(each.shape for each in factors[:2]), strict=True)]
    all_three = zip(both, factors[2].shape, strict=True)
    rest = [max(sizes) for dim, sizes in enumerate(all_three) if dim not in summed_first]
    return int(math.prod(both) + math.prod(rest))


def _expanded(tensor: torch.Tensor, dims: list[int]) -> torch.Tensor:
    for dim in dims:
        tensor = tensor.unsqueeze(dim)
    return tensor


def _over_time(arguments: Arguments, output: torch.Tensor) -> int:
    """Convolution of (time, batch, channels), with a weight of (window, channels, filters)."""
    return int(output.numel() * arguments["weight"][:, :, 0].numel())


def _distances(arguments: Arguments, output: torch.Tensor) -> int:
    """A difference is squared and added for each coordinate of each pair."""
    points = arguments["x1" if "x1" in arguments else "self"]
    return int(output.numel() * points.shape[-1])


def _distances_by_product(arguments: Arguments, output: torch.Tensor) -> int:
    """A product of matrices with two more columns, for the squared lengths."""
    return int(output.numel() * (arguments["x1"].shape[-1] + 2))


def _product(arguments: Arguments, output: torch.Tensor) -> int:
    """A composite product, which torch does not take apart for nested tensors."""
    return int(output.numel() * arguments["self"].shape[-1])


CONTRACTIONS: dict[str, Callable[[Arguments, torch.Tensor], int]] = {
    "_trilinear": _trilinear,
    "conv_tbc": _over_time,
    **dict.fromkeys(("_cdist_forward", "_pdist_forward"), _distances),
    "_euclidean_dist": _distances_by_product,
    "matmul": _product,
}
