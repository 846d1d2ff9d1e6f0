"""G3: network fragmentation reduces parallelism (ShuffleNet V2, Table 3, Appendix Figure 1)."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError
from benchcli.schema import Parameter
from benchcli.validation import one_of
from benchcli.workloads.guidelines.base import GUIDELINES, REPEAT, Column, Experiment, Rule, Width, one_width

if TYPE_CHECKING:
    from torch import nn

FRAGMENTS = {
    "1-fragment": (1, "series"),
    "2-fragment-series": (2, "series"),
    "4-fragment-series": (4, "series"),
    "2-fragment-parallel": (2, "parallel"),
    "4-fragment-parallel": (4, "parallel"),
}


class Fragmentation(Rule, Experiment):
    """Ten blocks of n 1x1 convolutions in series or in parallel, with n * c * c held constant.

    Parallel fragments share the block's input, and one element-wise addition sums their outputs.
    The paper prints the channels of one fragment only. Those of n fragments are c / sqrt(n),
    rounded.
    """

    name = "g3"
    title = "fragmentation"
    claim = "networks with more fragments are slower"
    rule = "use few branches and few small operators"
    axis = "fragments"
    by_launches = True
    source = "ShuffleNet V2, Table 3"
    paper_table = "shufflenetv2_table3_g3"
    published_widths = {
        "gpu": dict(zip(FRAGMENTS, (128, 91, 64, 91, 64), strict=True)),
        "arm": dict(zip(FRAGMENTS, (64, 45, 32, 45, 32), strict=True)),
    }
    aligned_widths = {"1-fragment": 64, "4-fragment-series": 32, "4-fragment-parallel": 32}

    def distance(self, value: str) -> float:
        """Return the number of fragments; parallel ones are further than the same number in series."""
        fragments, arrangement = FRAGMENTS[value]
        return fragments + 0.5 * (arrangement == "parallel")

    def value(self, text: str) -> str:
        """Return the name of an arrangement."""
        return one_of("g3 arrangement", text, list(FRAGMENTS))

    def solve(self, value: str, width: int) -> Width:
        """Return c / sqrt(n), rounded."""
        return max(1, round(width / math.sqrt(FRAGMENTS[value][0])))

    def params(self, value: str, width: Width) -> Mapping[str, Parameter]:
        """Return the channels of a fragment, the number of fragments and their arrangement."""
        fragments, arrangement = FRAGMENTS[value]
        return {"channels": one_width(self.name, width), "fragments": fragments, "arrangement": arrangement}

    def multiply_adds(self, params: Mapping[str, Any], size: int) -> int:
        """n h w c c for each of 10 blocks."""
        return REPEAT * size * size * int(params["fragments"]) * int(params["channels"]) ** 2

    def build(self, channels: int, fragments: int, arrangement: str) -> "nn.Module":
        """Return the micro-network. Shapes: (N, channels, H, W) to the same."""
        from benchcli.workloads.modules import parallel, pointwise, stack

        if arrangement == "series":
            return stack(REPEAT, lambda: [pointwise(channels, channels) for _ in range(fragments)])
        if arrangement == "parallel":
            return stack(REPEAT, lambda: [parallel(fragments, lambda: pointwise(channels, channels))])
        raise UserError(f"unknown arrangement {arrangement!r}: known: series, parallel")

    def convolution(self, params: Mapping[str, Any]) -> tuple[int, int]:
        """Return the channels of a fragment, twice."""
        return int(params["channels"]), int(params["channels"])

    def published_row(self, value: str, column: Column, scale: int) -> Mapping[str, str]:
        """Return the row's platform, block and channels (those of one fragment) in Table 3."""
        base = self.published_widths[column][self.baseline]
        return {"platform": column, "block": value, "c": str(one_width(self.name, base) * scale)}


GUIDELINES.add(Fragmentation())
