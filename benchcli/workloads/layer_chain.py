"""Layers in a line of text, such as "conv 24>144 k1x1; bn; relu6": what a what-if is rebuilt from.

A chain is a sequence of pieces. Its text is the only parameter of the micro-network that is made of it, so
that a record says what was measured. This module does not import torch.
"""

import math
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from benchcli.errors import UserError
from benchcli.schema import BUILT_IN, Variant, sizes

BUILDER = f"{BUILT_IN}layers/chain"
STEPS = (
    *("bn", "relu", "relu6", "hardswish", "silu", "gelu", "sigmoid", "hardsigmoid", "tanh", "leaky_relu", "elu"),
    "add",
)
"""What keeps shapes: batch normalisation, activations, and the addition of a tensor that is there."""
JOINS = ("cat", "sum")
Sizes = tuple[int, ...]


@dataclass(frozen=True)
class Convolution:
    """A convolution over images of one to three dimensions."""

    c_in: int
    c_out: int
    kernel: Sizes = (1, 1)
    stride: Sizes = (1, 1)
    padding: Sizes = (0, 0)
    dilation: Sizes = (1, 1)
    groups: int = 1
    bias: bool = False

    @property
    def is_depthwise(self) -> bool:
        """Whether each filter reads one channel of several."""
        return self.groups == self.c_in > 1

    @property
    def weights(self) -> int:
        """The multiply-adds for one element of a channel of the output, times the output's channels."""
        return self.c_in * self.c_out // self.groups * math.prod(self.kernel)

    def with_widths(self, c_in: int, c_out: int, groups: int | None = None) -> "Convolution":
        """Return it with other channels. Raises ValueError if its groups do not divide them."""
        groups = self.groups if groups is None else groups
        if c_in % groups or c_out % groups:
            raise ValueError(f"{groups} groups do not divide {c_in} and {c_out} channels")
        return replace(self, c_in=c_in, c_out=c_out, groups=groups)

    def __str__(self) -> str:
        one, none = (1,) * len(self.kernel), (0,) * len(self.kernel)
        moves = (("s", self.stride, one), ("p", self.padding, none), ("d", self.dilation, one))
        settings = [f"{letter}{sizes(value)}" for letter, value, default in moves if value != default]
        groups = [f"g{self.groups}"] if self.groups > 1 else []
        return " ".join(
            [
                f"conv {self.c_in}>{self.c_out} k{sizes(self.kernel)}",
                *settings,
                *groups,
                *(["bias"] if self.bias else []),
            ]
        )


@dataclass(frozen=True)
class Linear:
    """A linear layer of the last dimension."""

    c_in: int
    c_out: int

    def __str__(self) -> str:
        return f"linear {self.c_in}>{self.c_out}"


@dataclass(frozen=True)
class Layerwise:
    """One of `STEPS`."""

    name: str

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class Shuffle:
    """The channel shuffle of ShuffleNet (Zhang et al., 2018, Figure 1)."""

    groups: int

    def __str__(self) -> str:
        return f"shuffle {self.groups}"


@dataclass(frozen=True)
class Branches:
    """Chains that read one tensor, joined by concatenation or summation."""

    chains: tuple["Chain", ...]
    join: str

    def __str__(self) -> str:
        return f"({' | '.join(map(text_of, self.chains))}) {self.join}"


Piece = Convolution | Linear | Layerwise | Shuffle | Branches
Chain = tuple[Piece, ...]


def text_of(chain: Chain) -> str:
    """Return a chain as text, which `chain_of` reads."""
    return "; ".join(map(str, chain))


def chain_of(text: str) -> Chain:
    """Return the chain in a text. Raises UserError, which names the piece, if it holds none."""
    return tuple(map(_piece, _split(text, ";")))


def _split(text: str, at: str) -> Iterator[str]:
    """Yield the parts of a text between separators that stand in no brackets."""
    depth, begin = 0, 0
    for place, letter in enumerate(text):
        depth += (letter == "(") - (letter == ")")
        if letter == at and depth == 0:
            yield text[begin:place].strip()
            begin = place + 1
    yield text[begin:].strip()


_SIZES = r"(\d+(?:x\d+)*)"
_CONVOLUTION = re.compile(
    rf"conv (\d+)>(\d+) k{_SIZES}(?: s{_SIZES})?(?: p{_SIZES})?(?: d{_SIZES})?(?: g(\d+))?( bias)?"
)


def _piece(text: str) -> Piece:
    if text in STEPS:
        return Layerwise(text)
    if match := re.fullmatch(r"shuffle (\d+)", text):
        return Shuffle(int(match[1]))
    if match := re.fullmatch(r"linear (\d+)>(\d+)", text):
        return Linear(int(match[1]), int(match[2]))
    if match := re.fullmatch(r"\((.*)\) (\w+)", text, re.DOTALL):
        if match[2] in JOINS:
            return Branches(tuple(map(chain_of, _split(match[1], "|"))), match[2])
    elif match := _CONVOLUTION.fullmatch(text):
        kernel = _sizes(match[3])
        one, none = (1,) * len(kernel), (0,) * len(kernel)
        stride, padding, dilation = (
            _sizes(found) if found else default
            for found, default in zip(match.group(4, 5, 6), (one, none, one), strict=True)
        )
        groups = int(match[7] or 1)
        return Convolution(int(match[1]), int(match[2]), kernel, stride, padding, dilation, groups, bool(match[8]))
    raise UserError(f"{text!r} is no layer of a chain: write such as conv 24>144 k1x1, {', '.join(STEPS)}, shuffle 3")


def _sizes(text: str) -> Sizes:
    return tuple(map(int, text.split("x")))


def has_windows(chain: Chain) -> bool:
    """Return whether a dense or grouped convolution of a chain has a window of several elements."""
    return any(
        any(map(has_windows, piece.chains))
        if isinstance(piece, Branches)
        else isinstance(piece, Convolution) and math.prod(piece.kernel) > 1
        for piece in chain
    )


def difference(before: Chain, after: Chain) -> str:
    """Return what differs in the second of two chains: "conv 24>144 k1x1 → conv 56>64 k1x1", or "without relu".

    Layers that are the same at any width are left out.
    """
    old, new = ([each for each in chain if not isinstance(each, Layerwise | Shuffle)] for chain in (before, after))
    if old == new:
        rest = Counter(before) - Counter(after)  # a piece may be there twice, and go once
        return f"without {', '.join(map(str, rest.elements()))}"
    return f"{'; '.join(map(_short, old))} → {'; '.join(map(_short, new))}"


def _short(piece: Piece) -> str:
    return f"{len(piece.chains)} branches, {piece.join}" if isinstance(piece, Branches) else str(piece)


def width_of(chain: Chain) -> int | None:
    """Return the channels that a chain ends with; None if it has no convolution."""
    found = None
    for piece in chain:
        if isinstance(piece, Convolution):
            found = piece.c_out
        elif isinstance(piece, Branches):
            widths = [width_of(each) or 0 for each in piece.chains]
            found = sum(widths) if piece.join == "cat" else widths[0]
    return found


def with_widths(chain: Chain, c_in: int, c_out: int, groups: int | None = None) -> Chain:
    """Return a chain whose first convolution has other channels, which the depthwise ones after it follow.

    Raises ValueError if groups do not divide them, or another dense convolution follows.
    """
    first, *others = chain
    if not isinstance(first, Convolution):
        raise ValueError("the chain does not begin with a convolution")
    pieces: list[Piece] = [first.with_widths(c_in, c_out, groups)]
    for piece in others:
        if isinstance(piece, Convolution) and not piece.is_depthwise:
            raise ValueError("two dense convolutions follow each other")
        follows = isinstance(piece, Convolution)
        pieces.append(piece.with_widths(c_out, c_out, c_out) if follows else piece)  # type: ignore[union-attr]
    return tuple(pieces)


def variant(name: str, chain: Chain, image: Sequence[int]) -> Variant:
    """Return the variant of a chain. `image` is the shape of its input without the batch: channels first."""
    first = next((each for each in chain if isinstance(each, Convolution | Linear)), None)
    channels = f"{first.c_in}:{first.c_out}" if first else str(image[0])
    return Variant(name, BUILDER, {"layers": text_of(chain)}, tuple(image), channels)
