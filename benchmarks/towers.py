"""Networks for gate.py: chains of 1x1 convolutions, equal in base and head, or longer in head."""

from collections.abc import Callable
from functools import partial

from torch import nn

KINDS = {"dense": (48, 1, 20), "grouped": (96, 8, 20)}
"""Channels, groups and size: the first is compute-bound, the second memory-bound."""
BLOCKS = 20


def tower(kind: str, blocks: int) -> nn.Module:
    """Return a chain of 1x1 convolutions. Shapes: (N, channels, H, W) to the same."""
    channels, groups, _ = KINDS[kind]
    layers = [nn.Conv2d(channels, channels, 1, groups=groups, bias=False) for _ in range(blocks)]
    for layer in layers:
        nn.init.normal_(layer.weight, std=(groups / channels) ** 0.5)
    return nn.Sequential(*layers)


def blocks(name: str, side: str) -> int:
    """Return the number of blocks of a network.

    For example, "slower-5-3-dense" has 5 % more blocks in head than in base.
    """
    more = int(name.split("-")[1]) if name.startswith("slower") else 0
    return BLOCKS + (BLOCKS * more // 100 if side == "head" else 0)


def calls(names: list[str], side: str) -> dict[str, Callable[[], object]]:
    """Build one side's networks in this process, on one thread.

    Returns a function per network that calls it.
    """
    import torch

    torch.set_num_threads(1)
    torch.manual_seed(0)
    torch.set_grad_enabled(False)
    functions: dict[str, Callable[[], object]] = {}
    for name in names:
        kind = name.rsplit("-", 1)[1]
        channels, _, size = KINDS[kind]
        functions[name] = partial(tower(kind, blocks(name, side)).eval(), torch.randn(1, channels, size, size))
    return functions
