"""G2: group convolution raises memory access cost (ShuffleNet V2, Equation 2, Table 2)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError
from benchcli.schema import OperatorCall, Parameter
from benchcli.workloads.equal_widths import scaled
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
    one_width,
)
from benchcli.workloads.layer_chain import Shuffle, with_widths
from benchcli.workloads.operator_graph import OperatorGraph

if TYPE_CHECKING:
    from torch import nn

MOST_GROUPS = 1024


class GroupConvolution(Rule, Experiment, Audit):
    """Ten grouped 1x1 convolutions, c to c, with c * c / g held constant."""

    name = "g2"
    title = "group convolution"
    claim = "networks with more groups are slower"
    rule = "use few groups"
    axis = "groups"
    is_series = True
    source = "ShuffleNet V2, Table 2"
    paper_table = "shufflenetv2_table2_g2"
    # g=8 is 184 on ARM. The paper prints 180, a typo that its first author confirmed.
    published_widths = {
        "gpu": {"g=1": 128, "g=2": 180, "g=4": 256, "g=8": 360},
        "arm": {"g=1": 64, "g=2": 90, "g=4": 128, "g=8": 184},
    }
    aligned_widths = {"g=1": 64, "g=4": 128, "g=16": 256}

    def distance(self, value: str) -> float:
        """Return the number of groups."""
        return self._groups(value)

    def value(self, text: str) -> str:
        """Return "g=4" for "4" or "g=4"."""
        number = text.removeprefix("g=")
        if not number.isdecimal() or not 1 <= int(number) <= MOST_GROUPS:
            raise UserError(f"{text!r} is not a number of groups of g2: write 1 to {MOST_GROUPS}")
        return f"g={int(number)}"

    def solve(self, value: str, width: int) -> Width:
        """Return the multiple c of g for which c * c / g is nearest to the width squared."""
        groups = self._groups(value)
        below = max(1, math.floor(width * math.sqrt(groups) / groups)) * groups
        return min((below, below + groups), key=lambda c: abs(c * c / groups - width * width))

    def params(self, value: str, width: Width) -> Mapping[str, Parameter]:
        """Return the channels and groups. Raises UserError if these do not divide the channels."""
        groups, channels = self._groups(value), one_width(self.name, width)
        if channels % groups:
            below = channels // groups * groups
            near = f"{below} or {below + groups}" if below else str(groups)
            raise UserError(f"{groups} groups do not divide {channels} channels: the nearest are {near}")
        return {"channels": channels, "groups": groups}

    def multiply_adds(self, params: Mapping[str, Any], size: int) -> int:
        """B = h w c c / g for each of 10 layers."""
        return REPEAT * size * size * int(params["channels"]) ** 2 // int(params["groups"])

    def build(self, channels: int, groups: int) -> "nn.Module":
        """Return the micro-network. Shapes: (N, channels, H, W) to the same."""
        from benchcli.workloads.modules import pointwise, stack

        return stack(REPEAT, lambda: [pointwise(channels, channels, groups)])

    def convolution(self, params: Mapping[str, Any]) -> tuple[int, int]:
        """Return the channels of a group, twice."""
        channels = int(params["channels"]) // int(params["groups"])
        return channels, channels

    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield grouped convolutions; a depthwise one, whose groups are its channels, is no breach.

        Without groups there are fewer channels at equal multiply-adds, and nothing to shuffle.
        """
        graph = OperatorGraph(calls)
        for place, found in graph.convolutions():
            line = graph.line(place)
            if found.groups == 1 or found.is_depthwise or line is None:
                continue
            image, reason = graph.image(place), f"{found.groups} groups, {found.c_in} to {found.c_out} channels"
            if graph.reads_input(place):
                yield Breach(line.calls[:1], reason)
                continue
            widths = scaled(found.c_in, found.c_out, 1 / found.groups)
            kept = tuple(each for each in line.chain if not isinstance(each, Shuffle))
            after = with_widths(kept, *widths, groups=1)
            repair = Repair(line.chain, after, image, (widths[0], *image[1:]))
            yield Breach(line.calls[:1], reason, repair, line.calls)

    def published_row(self, value: str, column: Column, scale: int) -> Mapping[str, str]:
        """Return the row's platform, groups and scale in Table 2."""
        return {"platform": column, "groups": str(self._groups(value)), "scale": str(scale)}

    def _groups(self, value: str) -> int:
        return int(value.removeprefix("g="))


GUIDELINES.add(GroupConvolution())
