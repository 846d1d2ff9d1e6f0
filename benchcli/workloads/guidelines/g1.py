"""G1: equal channel width minimises memory access cost (ShuffleNet V2, Equation 1, Table 1)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchcli import formatting
from benchcli.errors import UserError
from benchcli.schema import OperatorCall, Parameter
from benchcli.workloads.equal_widths import balanced
from benchcli.workloads.guidelines.base import (
    GUIDELINES,
    REPEAT,
    Audit,
    Breach,
    Column,
    Experiment,
    Repair,
    Rule,
    Width,
)
from benchcli.workloads.layer_chain import Convolution, with_widths
from benchcli.workloads.operator_graph import OperatorGraph

if TYPE_CHECKING:
    from torch import nn

RATIO_WEIGHT = 0.25
"""Weight of a deviation of the ratio relative to one of the FLOPs, if no integers meet both."""


LEAST_EXCESS = 0.15
"""Memory access above that of equal widths from which on a convolution breaks the guideline: a ratio of about 1:3."""


class EqualChannelWidth(Rule, Experiment, Audit):
    """Ten blocks of two 1x1 convolutions, c1 to c2 and back, with c1 * c2 held constant."""

    name = "g1"
    title = "equal channel width"
    claim = "networks with unequal input and output channels are slower"
    rule = "give convolutions as many input as output channels"
    axis = "c1:c2"
    is_series = True
    source = "ShuffleNet V2, Table 1"
    paper_table = "shufflenetv2_table1_g1"
    published_widths = {
        "gpu": {"1:1": (128, 128), "1:2": (90, 180), "1:6": (52, 312), "1:12": (36, 432)},
        "arm": {"1:1": (32, 32), "1:2": (22, 44), "1:6": (13, 78), "1:12": (9, 108)},
    }
    aligned_widths = {
        "1:1": (96, 96),
        "1:2.25": (64, 144),
        "1:4": (48, 192),
        "1:9": (32, 288),
        "1:36": (16, 576),
    }

    def distance(self, value: str) -> float:
        """Return the ratio."""
        return self._ratio(value)

    def value(self, text: str) -> str:
        """Return a ratio such as "1:6"."""
        self._ratio(text)
        return text

    def solve(self, value: str, width: int) -> Width:
        """Return (c1, c2) with c1 * c2 near width squared and c2 / c1 near the ratio.

        A deviation of the FLOPs weighs more than one of the ratio.
        """
        ratio, product = self._ratio(value), width * width
        if ratio == 1:
            return width, width
        ideal = math.sqrt(product / ratio)
        candidates = [
            (c1, c2)
            for c1 in range(max(1, math.floor(ideal * 0.8)), math.ceil(ideal * 1.2) + 1)
            for c2 in {product // c1, product // c1 + 1}
        ]

        def cost(pair: tuple[int, int]) -> float:
            c1, c2 = pair
            return abs(c1 * c2 / product - 1) + RATIO_WEIGHT * abs(c2 / c1 / ratio - 1)

        return min(candidates, key=cost)

    def params(self, value: str, width: Width) -> Mapping[str, Parameter]:
        """Return c1 and c2."""
        if not isinstance(width, tuple) or len(width) != 2:
            raise UserError(f"g1 takes two numbers of channels a variant, such as [22, 44], not {width}")
        if value == self.baseline and width[0] != width[1]:
            raise UserError(f"g1's baseline 1:1 has equal channels, not {width[0]}:{width[1]}")
        return {"c1": width[0], "c2": width[1]}

    def multiply_adds(self, params: Mapping[str, Any], size: int) -> int:
        """B = h w c1 c2 for each of 20 layers."""
        return 2 * REPEAT * size * size * int(params["c1"]) * int(params["c2"])

    def build(self, c1: int, c2: int) -> "nn.Module":
        """Return the micro-network. Shapes: (N, c1, H, W) to the same."""
        from benchcli.workloads.modules import pointwise, stack

        return stack(REPEAT, lambda: [pointwise(c1, c2), pointwise(c2, c1)])

    def convolution(self, params: Mapping[str, Any]) -> tuple[int, int]:
        """Return c1 and c2."""
        return int(params["c1"]), int(params["c2"])

    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield dense convolutions whose memory access is far above the bound of equal widths (Equation 2).

        Not those that read the network's input, whose width is given.
        """
        graph = OperatorGraph(calls)
        for place, found in graph.convolutions():
            excess = _excess(found, graph.image(place)[1:], calls[place].outputs[0][2:])
            line = graph.line(place)
            if found.groups > 1 or excess < LEAST_EXCESS or graph.reads_input(place) or line is None:
                continue
            widths = balanced(found.c_in, found.c_out)
            image = graph.image(place)
            after = with_widths(line.chain, *widths)
            yield Breach(
                line.calls,
                f"{found.c_in} to {found.c_out} channels: {formatting.percent(excess)} more access than equal ones",
                Repair(line.chain, after, image, (widths[0], *image[1:])),
            )

    def published_row(self, value: str, column: Column, scale: int) -> Mapping[str, str]:
        """Return the row's platform, ratio and scale in Table 1."""
        return {"platform": column, "ratio": value, "scale": str(scale)}

    def _ratio(self, text: str) -> float:
        first, _, second = text.partition(":")
        try:
            ratio = float(second)
        except ValueError:
            ratio = 0.0
        if first != "1" or not 1 <= ratio <= 1024:
            raise UserError(f"{text!r} is not a ratio c1:c2 of g1: write 1:1, 1:2, ... up to 1:1024")
        return ratio


def _excess(layer: Convolution, image: tuple[int, ...], output: tuple[int, ...]) -> float:
    """Return by how much the memory access is above that of equal widths at the same multiply-adds, as a share."""
    before, after = math.prod(image), math.prod(output)
    equal = math.sqrt(layer.c_in * layer.c_out)
    return (before * layer.c_in + after * layer.c_out + layer.weights) / (equal * (before + after) + layer.weights) - 1


GUIDELINES.add(EqualChannelWidth())
