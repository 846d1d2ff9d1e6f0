"""The operator calls of a network as a graph: who reads what a call wrote, and which layers a call is of."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise

from benchcli.cost.operators import CONVOLUTIONS, NORMALISATIONS, POOLS, ROW_WISE, twin
from benchcli.schema import OperatorCall
from benchcli.workloads.layer_chain import Branches, Chain, Convolution, Layerwise, Piece, Shuffle

ACTIVATIONS = {
    "relu": "relu",
    "relu6": "relu6",
    "hardtanh": "relu6",
    "hardswish": "hardswish",
    "silu": "silu",
    "gelu": "gelu",
    "sigmoid": "sigmoid",
    "hardsigmoid": "hardsigmoid",
    "tanh": "tanh",
    "leaky_relu": "leaky_relu",
    "elu": "elu",
}
"""The piece of a chain that stands for each activation, by the operator's name."""
SHUFFLES = {"channel_shuffle", "native_channel_shuffle"}
MOVES = SHUFFLES | {"clone", "contiguous", "_reshape_copy", "cat", "copy", "_to_copy", "stack"}
"""Operators that only move data."""


LEAST_GROUPS = 2


@dataclass(frozen=True)
class Line:
    """Calls of which each is the only one that reads what the one before it wrote."""

    calls: tuple[int, ...]
    """Their places, a convolution first."""
    chain: Chain
    """The layers that they are."""


@dataclass(frozen=True)
class Fork:
    """Branches that read one tensor and meet again."""

    heads: tuple[int, ...]
    """The first call of each branch."""
    calls: tuple[int, ...]
    """All calls of the branches, and those that join them."""
    joins: tuple[int, ...]
    """Those that join them."""
    branches: Branches | None
    """Their layers; None if a branch holds what is no layer of a chain."""
    flops: int
    """The multiply-adds of all calls."""
    output: tuple[int, ...]
    """The shape of what the last call writes, without the batch."""


class OperatorGraph:
    """The operator calls of one call of a network, in dispatched order."""

    def __init__(self, calls: Sequence[OperatorCall]) -> None:
        self.calls = calls
        self.names = tuple(map(_name_of, calls))

    @cached_property
    def readers(self) -> tuple[tuple[int, ...], ...]:
        """Of each call, the places of those that read what it wrote."""
        found: list[list[int]] = [[] for _ in self.calls]
        for place, call in enumerate(self.calls):
            for producer in dict.fromkeys(each for each in call.producers if each is not None):
                found[producer].append(place)
        return tuple(map(tuple, found))

    def convolution(self, place: int) -> Convolution | None:
        """Return the convolution that a call is; None if it is none, or a transposed one."""
        call = self.calls[place]
        moves = call.geometry
        if self.names[place] not in CONVOLUTIONS or moves is None or moves.is_transposed or len(call.inputs) < 2:
            return None
        image, weight = call.inputs[:2]
        if len(image) != len(weight):  # an image without a batch
            return None
        return Convolution(
            c_in=image[1],
            c_out=weight[0],
            kernel=weight[2:],
            stride=moves.stride,
            padding=moves.padding,
            dilation=moves.dilation,
            groups=moves.groups,
            bias=len(call.inputs) > 2,
        )

    def convolutions(self) -> Iterator[tuple[int, Convolution]]:
        """Yield each convolution with its place."""
        for place in range(len(self.calls)):
            found = self.convolution(place)
            if found:
                yield place, found

    def reads_input(self, place: int) -> bool:
        """Return whether a call reads no other call's output, so that its input's width is given."""
        return not self.calls[place].producers or self.calls[place].producers[0] is None

    def only_reader(self, place: int) -> int | None:
        """Return the only call that reads what a call wrote; None if there are none or several."""
        readers = self.readers[place]
        return readers[0] if len(readers) == 1 else None

    def line(self, place: int, past_depthwise: bool = True) -> Line | None:
        """Return a convolution and the layers that follow its width; None if the call is no convolution.

        They are batch normalisations, activations, shuffles, additions and, unless the line should end
        there, depthwise convolutions.
        """
        first = self.convolution(place)
        if first is None:
            return None
        calls: list[int] = [place]
        pieces: list[Piece] = [first]
        while (following := self.only_reader(calls[-1])) is not None:
            piece = self._following(following, calls[-1], first.groups)
            if piece is None or (isinstance(piece, Convolution) and not past_depthwise):
                break
            calls.append(following)
            pieces.append(piece)
        return Line(tuple(calls), tuple(pieces))

    def _following(self, place: int, before: int, groups: int = 1) -> Piece | None:
        """Return the layer that a call is if it keeps the width of what `before` wrote, its first operand.

        An addition is so a layer of one of the two lines that it ends. A shuffle that does not say of how
        many groups it is has those of the convolution before it, or two.
        """
        name, call = self.names[place], self.calls[place]
        if not call.producers or call.producers[0] != before:
            return None
        convolution = self.convolution(place)
        if convolution:
            return convolution if convolution.is_depthwise and convolution.c_out == convolution.c_in else None
        if name in NORMALISATIONS:
            return Layerwise("bn")
        if name in ACTIVATIONS:
            return Layerwise(ACTIVATIONS[name])
        if name in SHUFFLES:
            return Shuffle(groups if groups > 1 else LEAST_GROUPS)
        if name == "add" and call.inputs[0] == call.outputs[0]:
            return Layerwise("add")
        return self._shuffle(place) if name in MOVES else None

    def _shuffle(self, place: int) -> Shuffle | None:
        """Return the channel shuffle that a copy is: of (N, C / groups, groups, ...) out of its order."""
        (shape, *_), before = self.calls[place].inputs, self.calls[place].producers[0]
        if self.names[place] == "cat" or len(shape) < 4 or before is None or not self.calls[before].outputs:
            return None
        written = self.calls[before].outputs[0]
        is_split = len(shape) == len(written) + 1 and shape[1] * shape[2] == written[1] and shape[3:] == written[2:]
        return Shuffle(shape[2]) if is_split and shape[2] > 1 else None

    def forks(self) -> Iterator[Fork]:
        """Yield the branches that begin with a convolution or a pooling of one tensor, and meet in one call.

        A batch normalisation is a branch, too: that of the identity, in blocks that are trained with it.
        """
        for readers in self._readers_of_tensors():
            heads = [each for each in readers if self._may_head(each)]
            if sum(self.calls[each].geometry is not None for each in heads) < 2 or len(heads) < len(readers):
                continue  # a tensor that something else reads too is a shortcut
            paths = [self._path(head) for head in heads]
            common = set(paths[0]).intersection(*paths[1:])
            if common:
                yield self._fork(heads, paths, min(common))

    def _readers_of_tensors(self) -> list[tuple[int, ...]]:
        """Return the readers of what each call writes, and those of the network's input, if there is one image."""
        first = tuple(place for place in range(len(self.calls)) if self._may_head(place) and self.reads_input(place))
        shapes = {self.image(place) for place in first}
        return [*self.readers, *([first] if len(shapes) == 1 else [])]

    def _may_head(self, place: int) -> bool:
        """Return whether a call may be the first one of a branch."""
        return bool(self.calls[place].geometry) or self.names[place] in POOLS or self.is_normalisation(place)

    def _path(self, head: int) -> list[int]:
        """Return a call and those after it, as long as each is the only reader."""
        path = [head]
        while (following := self.only_reader(path[-1])) is not None and following > path[-1]:
            path.append(following)
        return path

    def _fork(self, heads: Sequence[int], paths: Sequence[Sequence[int]], end: int) -> Fork:
        parts = [[place for place in path if place < end] for path in paths]
        joins = {place for place in {p for part in parts for p in part} if sum(place in part for part in parts) > 1}
        alone = [[place for place in part if place not in joins] for part in parts]
        calls = tuple(sorted({end, *joins, *(place for part in alone for place in part)}))
        names = {self.names[place] for place in (end, *joins)}
        join = {frozenset({"cat"}): "cat", frozenset({"add"}): "sum"}.get(frozenset(names))
        chains = [self._chain(part) for part in alone if not self.is_normalisation(part[0])]
        branches = Branches(tuple(filter(None, chains)), join) if join and all(chains) else None
        flops = sum(self.calls[place].flops or 0 for place in calls)
        return Fork(tuple(heads), calls, (*sorted(joins), end), branches, flops, self.calls[end].outputs[0][1:])

    def _chain(self, places: Sequence[int]) -> Chain | None:
        """Return the layers of calls that follow each other; None if one is no layer of a chain."""
        pieces = [self.convolution(places[0]), *(self._layer(*each) for each in pairwise(places))]
        return tuple(filter(None, pieces)) if all(pieces) else None

    def _layer(self, before: int, place: int) -> Piece | None:
        return self._following(place, before) or self.convolution(place)

    def is_normalisation(self, place: int) -> bool:
        """Return whether a call is a batch normalisation."""
        return self.names[place] in NORMALISATIONS

    def is_elementwise(self, place: int) -> bool:
        """Return whether a call computes element by element, normalisations of rows and of batches apart."""
        call, name = self.calls[place], self.names[place]
        of_rows = name in ROW_WISE | NORMALISATIONS | POOLS
        return bool(call.elementwise) and not call.flops and not of_rows and not call.geometry

    def is_move(self, place: int) -> bool:
        """Return whether a call only moves data."""
        return self.names[place] in MOVES

    def round_trips(self) -> Iterator[tuple[int, int]]:
        """Yield each conversion of a layout with the next one after it, if that undoes it, no call twice.

        A conversion moves the outermost of several dimensions to the innermost place in memory, or back.
        """
        taken = set[int]()
        for back, call in enumerate(self.calls):
            there = self._conversion_before(back) if _is_rotation(call.reordered) else None
            if there is None or there in taken:
                continue
            before = self.calls[there].reordered
            if len(before) == len(call.reordered) and [before[each] for each in call.reordered] == sorted(before):
                taken.update((there, back))
                yield there, back

    def _conversion_before(self, place: int) -> int | None:
        """Return the last conversion of a layout on the way to what a call reads first; None if there is none."""
        before: int | None = place
        while before is not None and (producers := self.calls[before].producers):
            before = producers[0] if producers[0] is None or producers[0] < before else None
            if before is not None and _is_rotation(self.calls[before].reordered):
                return before
        return None

    def image(self, place: int) -> tuple[int, ...]:
        """Return the shape of the first tensor that a call reads, without the batch."""
        return self.calls[place].inputs[0][1:]


def _name_of(call: OperatorCall) -> str:
    """Return the name by which the rules know an operator: "relu" for "aten.relu_.default"."""
    space, _, rest = call.operator.partition(".")
    name = twin(rest.rpartition(".")[0])
    return name if space == "aten" else f"{space}.{name}"


def _is_rotation(order: Sequence[int]) -> bool:
    """Return whether an order moves the first dimension behind all others, or the last one before them."""
    kept = list(range(len(order)))
    return list(order) in ([*kept[1:], 0], [*kept[-1:], *kept[:-1]]) if len(order) > 1 else False
