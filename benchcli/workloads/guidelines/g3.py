"""G3: network fragmentation reduces parallelism (ShuffleNet V2, Table 3, Appendix Figure 1)."""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from benchcli.errors import UserError
from benchcli.schema import OperatorCall, Parameter
from benchcli.validation import one_of
from benchcli.workloads.equal_widths import partner, scaled
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
from benchcli.workloads.layer_chain import Chain, Convolution, Layerwise, width_of
from benchcli.workloads.operator_graph import Fork, Line, OperatorGraph

if TYPE_CHECKING:
    from torch import nn

FRAGMENTS = {
    "1-fragment": (1, "series"),
    "2-fragment-series": (2, "series"),
    "4-fragment-series": (4, "series"),
    "2-fragment-parallel": (2, "parallel"),
    "4-fragment-parallel": (4, "parallel"),
}


MOST_BRANCHES = 2
"""Branches of different windows that read one tensor and break nothing: a residual block's path and its shortcut."""


class Fragmentation(Rule, Experiment, Audit):
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

    def breaches(self, calls: Sequence[OperatorCall]) -> Iterator[Breach]:
        """Yield blocks of parallel branches that read one tensor and end in one sum or concatenation, and series.

        Two branches count if they begin with convolutions of one window, which could be one; others
        from three on. Fragments are in series if they are equal 1x1 convolutions with nothing but batch
        normalisation between them: an activation there makes them depth.
        """
        graph, seen = OperatorGraph(calls), set[int]()
        for fork in graph.forks():
            seen.update(fork.calls)
            first = [graph.convolution(place) for place in fork.heads]
            windows = {(each.kernel, each.stride, each.groups) for each in first if each}
            if len(fork.heads) > MOST_BRANCHES or (len(windows) == 1 and all(first)):
                repair = _folded(fork, graph) or _merged(fork, graph)
                how = " that fold into one convolution" if repair and repair.is_exact else ""
                yield Breach(fork.calls, f"{len(fork.heads)} parallel branches{how}", repair)
        for place, _ in graph.convolutions():
            lines = [] if place in seen else _series(place, graph)
            seen.update(call for line in lines for call in line.calls)
            if len(lines) > 1:
                yield _in_one(lines, graph)

    def published_row(self, value: str, column: Column, scale: int) -> Mapping[str, str]:
        """Return the row's platform, block and channels (those of one fragment) in Table 3."""
        base = self.published_widths[column][self.baseline]
        return {"platform": column, "block": value, "c": str(one_width(self.name, base) * scale)}


def _series(place: int, graph: OperatorGraph) -> list[Line]:
    """Return the lines of equal 1x1 convolutions that follow each other, each but the last without activation."""
    first, lines = graph.convolution(place), list[Line]()
    if first is None or math.prod((*first.kernel, *first.stride, first.groups)) > 1 or first.c_in != first.c_out:
        return []
    following: int | None = place
    while following is not None and graph.convolution(following) == first:
        line = graph.line(following, past_depthwise=False)
        if line is None:
            break
        lines.append(line)
        is_linear = all(piece == Layerwise("bn") for piece in line.chain[1:])
        following = graph.only_reader(line.calls[-1]) if is_linear else None
    return lines


def _in_one(lines: Sequence[Line], graph: OperatorGraph) -> Breach:
    """Return the breach of fragments in series, repaired by one convolution of the same multiply-adds."""
    first, image = lines[0].chain[0], graph.image(lines[0].calls[0])
    calls = tuple(call for line in lines for call in line.calls)
    reason = f"{len(lines)} fragments in series"
    if graph.reads_input(calls[0]) or not isinstance(first, Convolution):
        return Breach(calls, reason)
    widths = scaled(first.c_in, first.c_out, len(lines))
    after = (first.with_widths(*widths), *lines[-1].chain[1:])
    return Breach(
        calls,
        reason,
        Repair(tuple(piece for line in lines for piece in line.chain), after, image, (widths[0], *image[1:])),
    )


def _folded(fork: Fork, graph: OperatorGraph) -> Repair | None:
    """Return branches that are trained apart and summed, and the one convolution that they are after training.

    Each is a convolution with or without batch normalisation, or that alone, and they are no equal ones: those are
    fragments of a layer (RepVGG: Ding et al., 2021, Section 3.2). None if the branches are others.
    """
    branches, image = fork.branches, graph.image(fork.heads[0])
    if branches is None or branches.join != "sum" or any(map(_is_other, branches.chains)):
        return None
    convolutions = [chain[0] for chain in branches.chains if isinstance(chain[0], Convolution)]
    widest = max(convolutions, key=lambda each: each.kernel)
    if len(set(convolutions)) == 1 and len(fork.heads) == len(convolutions):
        return None
    if len(set(map(_seen_alike, convolutions))) > 1 or any(math.prod(each.dilation) > 1 for each in convolutions):
        return None
    return Repair((branches,), (replace(widest, bias=True),), image, image, is_exact=True)


def _seen_alike(convolution: Convolution) -> tuple[object, ...]:
    """Return what convolutions must agree on to be parts of one, whose windows are around the same pixels."""
    beyond = tuple(2 * padding - size for padding, size in zip(convolution.padding, convolution.kernel, strict=True))
    return convolution.c_in, convolution.c_out, convolution.stride, convolution.groups, beyond


def _is_other(chain: Chain) -> bool:
    """Return whether a branch has more than a convolution and a batch normalisation."""
    return not isinstance(chain[0], Convolution) or any(each != Layerwise("bn") for each in chain[1:])


def _merged(fork: Fork, graph: OperatorGraph) -> Repair | None:
    """Return the branches and the one convolution that takes their place, at equal multiply-adds.

    Of depthwise branches it is depthwise. None if a branch holds more than layers of a chain, or if their
    strides differ.
    """
    branches = fork.branches
    if branches is None:
        return None
    layers = [each for chain in branches.chains for each in chain if isinstance(each, Convolution)]
    strides = {
        math.prod(each.stride[0] for each in chain if isinstance(each, Convolution)) for chain in branches.chains
    }
    c_out = width_of((branches,))
    if len(strides) > 1 or c_out is None:
        return None
    image = graph.image(fork.heads[0])
    widest = max(layers, key=lambda each: each.kernel)
    one = replace(widest, c_in=image[0], c_out=c_out, groups=1, stride=(strides.pop(),) * len(widest.stride))
    # Each branch's multiply-adds are of its own image: those after a stride have a smaller one.
    factor = fork.flops / (one.weights * math.prod(fork.output[1:]))
    if all(each.is_depthwise and each.c_in == each.c_out for each in layers):
        depth = partner(one.c_in, round(one.c_in**2 * one.c_out * factor))
        widths, groups = (depth, depth), depth
    else:
        widths, groups = scaled(one.c_in, one.c_out, factor), 1
    kept = [each for each in branches.chains[0] if not isinstance(each, Convolution)]
    after = (one.with_widths(*widths, groups), *kept)
    return Repair((branches,), after, image, (widths[0], *image[1:]))


GUIDELINES.add(Fragmentation())
