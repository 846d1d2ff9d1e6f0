"""G4: element-wise operations are not negligible (ShuffleNet V2, Table 4)."""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from benchcli import formatting
from benchcli.errors import UserError
from benchcli.schema import OperatorCall, Parameter
from benchcli.validation import one_of
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
from benchcli.workloads.operator_graph import OperatorGraph

if TYPE_CHECKING:
    from torch import nn

# name: (ReLU, shortcut)
OPERATIONS = {
    "relu+shortcut": (True, True),
    "relu": (True, False),
    "shortcut": (False, True),
    "none": (False, False),
}
REDUCTION = 4
"""Ratio of outer to middle channels, by ResNet's convention; the paper does not state it."""


class ElementWise(Rule, Experiment, Audit):
    """Ten ResNet bottlenecks (1x1, 3x3, 1x1), with and without ReLUs and shortcut."""

    name = "g4"
    title = "element-wise operations"
    claim = "networks without ReLU and shortcut are faster"
    rule = "use few element-wise operations"
    axis = "element-wise"
    source = "ShuffleNet V2, Table 4"
    paper_table = "shufflenetv2_table4_g4"
    faster = True
    published_widths = {
        "gpu": dict.fromkeys(OPERATIONS, 32),
        "arm": dict.fromkeys(OPERATIONS, 32),
    }
    aligned_widths = dict.fromkeys(OPERATIONS, 64)
    base_widths = (REDUCTION, 16384)

    def distance(self, value: str) -> float:
        """Return the number of operations that the bottleneck lacks."""
        return OPERATIONS[value].count(False)

    def value(self, text: str) -> str:
        """Return the name of the operations that the bottleneck keeps."""
        return one_of("g4 choice of element-wise operations", text, list(OPERATIONS))

    def solve(self, value: str, width: int) -> Width:  # noqa: ARG002
        """Return the width itself: ReLU and shortcut have no multiply-adds."""
        return width

    def params(self, value: str, width: Width) -> Mapping[str, Parameter]:
        """Return the outer channels and the operations that the bottleneck keeps.

        Raises UserError if the channels are not a multiple of `REDUCTION`.
        """
        channels = one_width(self.name, width)
        if channels % REDUCTION:
            below = max(REDUCTION, channels // REDUCTION * REDUCTION)
            raise UserError(
                f"g4's bottleneck divides its channels by {REDUCTION}, and {channels} does not divide: "
                f"the nearest are {below} or {below + REDUCTION}"
            )
        relu, shortcut = OPERATIONS[value]
        return {"channels": channels, "relu": relu, "shortcut": shortcut}

    def multiply_adds(self, params: Mapping[str, Any], size: int) -> int:
        """h w (2 c m + 9 m m) for each of 10 blocks, m = c / 4."""
        channels = int(params["channels"])
        middle = channels // REDUCTION
        return REPEAT * size * size * (2 * channels * middle + 9 * middle * middle)

    def build(self, channels: int, relu: bool, shortcut: bool) -> "nn.Module":
        """Return the micro-network. Shapes: (N, channels, H, W) to the same."""
        from benchcli.workloads.modules import bottleneck, stack

        return stack(REPEAT, lambda: [bottleneck(channels, channels // REDUCTION, relu, shortcut)])

    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield element-wise work and copies: those after a convolution, which can be measured without, and the rest.

        Batch normalisation is none, as it can be folded into the convolution; nor is what joins branches,
        which are fragments, nor layouts that are converted back and forth, which are a finding of their own.
        """
        graph = OperatorGraph(calls)
        seen = {place for fork in graph.forks() for place in fork.joins}
        seen.update(place for trip in graph.round_trips() for place in trip)
        for place, _ in graph.convolutions():
            line = graph.line(place, past_depthwise=False)
            work = (
                [each for each in line.calls[1:] if not graph.is_normalisation(each) and each not in seen]
                if line
                else []
            )
            if line and work:
                seen.update(work)
                pieces = list(zip(line.calls, line.chain, strict=True))
                after, image = tuple(piece for each, piece in pieces if each not in work), graph.image(place)
                names = formatting.named([str(piece) for each, piece in pieces if each in work])
                yield Breach(
                    tuple(work), f"{names} after a convolution", Repair(line.chain, after, image, image), line.calls
                )
        for place, name in enumerate(graph.names):
            if place not in seen and (graph.is_elementwise(place) or graph.is_move(place)):
                yield Breach((place,), f"{name}: {'moves data' if graph.is_move(place) else 'element-wise'}")

    def published_row(self, value: str, column: Column, scale: int) -> Mapping[str, str]:
        """Return the row's platform, ReLU, shortcut and channels in Table 4."""
        relu, shortcut = OPERATIONS[value]
        channels = one_width(self.name, self.published_widths[column][self.baseline]) * scale
        yes_no = {True: "yes", False: "no"}
        return {"platform": column, "relu": yes_no[relu], "shortcut": yes_no[shortcut], "c": str(channels)}


GUIDELINES.add(ElementWise())
