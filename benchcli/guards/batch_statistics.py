"""Call a network with each batch-normalisation on the statistics of its input.

With drawn weights and running statistics that nothing has trained, the signal of a deep network shrinks
from layer to layer, until its output is little more than the bias of the last one. Normalised by what they
are given, the layers keep it, so that the output shows a change of any of them.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from typing import Any

import torch
from torch.nn.modules.batchnorm import _BatchNorm

STATISTICS = ("running_mean", "running_var")


def normalisations(network: torch.nn.Module) -> list[torch.nn.Module]:
    """Return the batch-normalisations that use running statistics."""
    return [
        each
        for each in network.modules()
        if isinstance(each, _BatchNorm) and not each.training and isinstance(each.running_mean, torch.Tensor)
    ]


@contextmanager
def of_each_input(network: torch.nn.Module) -> Iterator[list[int]]:
    """Let each batch-normalisation use the statistics of its input in the block.

    Yield a list that is given, at each of their calls, how many values of a channel these are of.

    One that is given a single value for each channel, of which there are no statistics, keeps its own.
    """
    with ExitStack() as hooks:
        sizes: list[int] = []
        for each in normalisations(network):
            own = {name: getattr(each, name) for name in STATISTICS}
            hooks.callback(each._buffers.update, own)
            hooks.callback(each.register_forward_pre_hook(partial(_use_input, sizes)).remove)
            hooks.callback(each.register_forward_hook(_PutBack(own)).remove)
        yield sizes


def _use_input(sizes: list[int], module: torch.nn.Module, args: tuple[Any, ...]) -> None:
    given = next((each for each in args if isinstance(each, torch.Tensor)), None)
    if given is not None and given.dim() > 1 and given.numel() > given.shape[1]:
        module._buffers.update(dict.fromkeys(STATISTICS))
        sizes.append(given.numel() // given.shape[1])


class _PutBack:
    """Gives a module its running statistics back after a call: code may read them."""

    def __init__(self, own: dict[str, torch.Tensor | None]) -> None:
        self._own = own

    def __call__(self, module: torch.nn.Module, _args: object, _output: object) -> None:
        module._buffers.update(self._own)
