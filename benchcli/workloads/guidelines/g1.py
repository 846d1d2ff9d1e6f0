"""G1: equal channel width minimises memory access cost (ShuffleNet V2, Equation 1, Table 1)."""

import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchcli import formatting
from benchcli.errors import UserError
from benchcli.schema import OperatorCall, Parameter
from benchcli.workloads.equal_widths import balanced, partner
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
from benchcli.workloads.layer_chain import Chain, Convolution, with_widths
from benchcli.workloads.operator_graph import Line, OperatorGraph

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

        Not those that read the network's input, whose width is given. One that widens and the one that
        narrows again share a width, and are one breach.
        """
        graph = OperatorGraph(calls)
        broken = {place: excess for place, _ in graph.convolutions() if (excess := _excess_at(place, graph))}
        taken = set[int]()
        for place, excess in broken.items():
            if place not in taken:
                lines = list(_linked(place, graph, broken))
                taken.update(line.calls[0] for line in lines)
                yield _breach(lines, graph, excess)

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


def _excess_at(place: int, graph: OperatorGraph) -> float | None:
    """Return by how much the memory access of a call is above that of equal widths; None if it breaks nothing."""
    layer, output = graph.convolution(place), graph.calls[place].outputs[0]
    if layer is None or layer.groups > 1 or graph.reads_input(place):
        return None
    before, after = math.prod(graph.image(place)[1:]), math.prod(output[2:])
    equal = math.sqrt(layer.c_in * layer.c_out)
    own = before * layer.c_in + after * layer.c_out + layer.weights
    excess = own / (equal * (before + after) + layer.weights) - 1
    return excess if excess >= LEAST_EXCESS else None


def _linked(place: int, graph: OperatorGraph, broken: Collection[int]) -> Iterator[Line]:
    """Yield the line of a convolution and, if that widens, of the one that narrows again."""
    for line in filter(None, [graph.line(place)]):
        yield line
        following = graph.only_reader(line.calls[-1])
        if following is None or following not in broken:
            continue
        if _widens(place, graph) and not _widens(following, graph):
            yield from filter(None, [graph.line(following)])


def _widens(place: int, graph: OperatorGraph) -> bool:
    layer = graph.convolution(place)
    return layer is not None and layer.c_out > layer.c_in


def _breach(lines: Sequence[Line], graph: OperatorGraph, excess: float) -> Breach:
    image = graph.image(lines[0].calls[0])
    before = [line.chain[0] for line in lines if isinstance(line.chain[0], Convolution)]
    widths = balanced(before[0].c_in, before[0].c_out)
    after: Chain = with_widths(lines[0].chain, *widths)
    reached = widths[1]
    for line, layer in zip(lines[1:], before[1:], strict=True):
        out = partner(reached, layer.c_in * layer.c_out)
        after, reached = (*after, *with_widths(line.chain, reached, out)), out
    names = " to ".join(str(each) for each in (before[0].c_in, *(layer.c_out for layer in before)))
    return Breach(
        tuple(line.calls[0] for line in lines),
        f"{names} channels: {formatting.percent(excess, decimals=0)} more access than equal ones",
        Repair(tuple(piece for line in lines for piece in line.chain), after, image, (widths[0], *image[1:])),
        tuple(call for line in lines for call in line.calls),
    )


GUIDELINES.add(EqualChannelWidth())
