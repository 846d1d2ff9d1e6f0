"""Networks to divide by: put first in a family of your own, they make its times ratios that two runs can share.

A network whose time is bound by arithmetic wants the first, one bound by memory the second: what the machine does to
the yardstick it then does to the network too.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn


def arithmetic(width: int = 64, blocks: int = 10) -> "nn.Module":
    """Return dense 1x1 convolutions. Shapes: (N, width, H, W) to the same."""
    from benchcli.layers import pointwise, stack

    return stack(blocks, lambda: [pointwise(width, width)])


def memory(blocks: int = 10) -> "nn.Module":
    """Return element-wise operations, one after the other. Shapes: any, to the same."""
    from torch import nn

    return nn.Sequential(*(nn.Hardtanh(-1.0 - block, 1.0 + block) for block in range(blocks)))
