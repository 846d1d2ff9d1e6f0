"""Search ShuffleNet V2's widths and depths for the networks that are fastest here, at about 140 million multiply-adds.

    python docs/search_units.py [--variants 2000] [--measure 10]

The times of all variants are predicted, from the operators of their units, and the fastest are measured.
"""

import argparse
import random
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import nn

import benchcli
from benchcli.schema.recipes import OperatorList

FLOPS, WITHIN = 140e6, 0.05
WIDTHS = (range(56, 185, 16), range(112, 369, 32), range(224, 737, 64))
"""Channels of the three stages."""
DEPTHS = (range(2, 7), range(4, 13), range(2, 7))
"""Units of the three stages."""
LAST = 1024
"""Channels of the last convolution."""
STEM = 24


def convolution(
    c_in: int, c_out: int, kernel: int = 1, stride: int = 1, groups: int = 1, acts: bool = True
) -> list[nn.Module]:
    """Return a convolution with its batch normalisation and, if it `acts`, its ReLU."""
    layers = [nn.Conv2d(c_in, c_out, kernel, stride, kernel // 2, groups=groups, bias=False), nn.BatchNorm2d(c_out)]
    return [*layers, nn.ReLU(inplace=True)] if acts else [*layers]


def branch(c_in: int, c_out: int, stride: int) -> nn.Sequential:
    """Return the branch of a unit that has two 1x1 convolutions around a depthwise one."""
    middle = convolution(c_out, c_out, 3, stride, groups=c_out, acts=False)
    return nn.Sequential(*convolution(c_in, c_out), *middle, *convolution(c_out, c_out))


class Unit(nn.Module):
    """A unit of ShuffleNet V2 (Ma et al., 2018, Figure 3).

    Shapes: (N, c_in, H, W) to (N, c_out, H/stride, W/stride).
    """

    def __init__(self, c_in: int, c_out: int, stride: int) -> None:
        super().__init__()
        half = c_out // 2
        self.right = branch(c_in if stride == 2 else half, half, stride)
        left = [*convolution(c_in, c_in, 3, 2, groups=c_in, acts=False), *convolution(c_in, half)]
        self.left = nn.Sequential(*left) if stride == 2 else None
        self.shuffle = nn.ChannelShuffle(2)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """Leave half of the channels as they are, unless the unit halves the image; shuffle both halves."""
        if self.left is None:
            one, other = inputs.chunk(2, 1)
        else:
            one, other = self.left(inputs), inputs
        shuffled: torch.Tensor = self.shuffle(torch.cat([one, self.right(other)], 1))
        return shuffled


@dataclass(frozen=True)
class Candidate:
    """The channels and the units of the three stages."""

    widths: tuple[int, ...]
    depths: tuple[int, ...]

    @property
    def name(self) -> str:
        """Such as "116x4-232x8-464x4"."""
        return "-".join(f"{width}x{depth}" for width, depth in zip(self.widths, self.depths, strict=True))

    def parts(self) -> Iterator[tuple[str, tuple[int, ...]]]:
        """Yield the kind of each part, which are called one after the other, with what makes it."""
        yield "stem", ()
        c_in, size = STEM, 56
        for width, depth in zip(self.widths, self.depths, strict=True):
            yield "unit", (c_in, width, 2, size)
            size //= 2
            yield from [("unit", (width, width, 1, size))] * (depth - 1)
            c_in = width
        yield "end", (c_in,)

    def build(self) -> nn.Module:
        """Return the network. Shapes: (N, 3, 224, 224) to (N, 1000)."""
        return nn.Sequential(*(part(*each)[0] for each in self.parts())).eval()


def part(kind: str, made_of: Sequence[int]) -> tuple[nn.Module, tuple[int, ...]]:
    """Return a part of a network, and the shape of its input."""
    if kind == "stem":
        return nn.Sequential(*convolution(3, STEM, 3, 2), nn.MaxPool2d(3, 2, 1)), (1, 3, 224, 224)
    if kind == "end":
        pooled = (nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(LAST, 1000))
        return nn.Sequential(*convolution(made_of[0], LAST), *pooled), (1, made_of[0], 7, 7)
    c_in, c_out, stride, size = made_of
    return Unit(c_in, c_out, stride).eval(), (1, c_in, size, size)


def candidates(number: int, listed: "Lists", seed: int = 0) -> list[Candidate]:
    """Return different candidates of about the wanted multiply-adds, drawn at random."""
    draw, found = random.Random(seed), dict[str, Candidate]()
    while len(found) < number:
        one = Candidate(*(tuple(draw.choice(each) for each in choices) for choices in (WIDTHS, DEPTHS)))
        if abs(listed.of(one).flops / FLOPS - 1) <= WITHIN:
            found[one.name] = one
    return list(found.values())


class Lists:
    """The lists of operators of candidates, put together from those of their parts."""

    def __init__(self, predictor: benchcli.TimePredictor) -> None:
        widths = [(STEM,), *WIDTHS]
        stages = list(zip(widths, widths[1:], (56, 28, 14), strict=False))
        parts = {
            ("stem", ()),
            *(("unit", (a, b, 2, size)) for before, after, size in stages for a in before for b in after),
            *(("unit", (b, b, 1, size // 2)) for _, after, size in stages for b in after),
            *(("end", (width,)) for width in WIDTHS[-1]),
        }
        found = predictor.operators_of({str(each): part(*each) for each in sorted(parts)})
        self._of = {each: found[str(each)] for each in parts}

    def all(self) -> list[OperatorList]:
        """Return the lists of all parts."""
        return list(self._of.values())

    def of(self, candidate: Candidate) -> OperatorList:
        """Return the list of a candidate."""
        first, *rest = (self._of[each] for each in candidate.parts())
        return first.joined(rest)


def main() -> None:
    """Predict all variants, and measure the fastest of them."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", type=int, default=2000)
    parser.add_argument("--measure", type=int, default=10)
    given = parser.parse_args()
    predictor = benchcli.TimePredictor()
    listed = Lists(predictor)
    predictor.measure(listed.all())
    variants = candidates(given.variants, listed)
    start = time.perf_counter()
    times = {each: predictor.predict(listed.of(each)).seconds.estimate for each in variants}
    took = (time.perf_counter() - start) / len(variants)
    ranked = sorted(variants, key=lambda each: times[each])
    print(f"{len(variants)} variants, {took * 1e3:.2f} ms each; the fastest and the slowest, predicted in ms:")
    for each in (*ranked[: given.measure], ranked[-1]):
        print(f"{each.name:<24} {times[each] * 1e3:.2f}")
    best = {each.name: each.build() for each in (*ranked[: given.measure], ranked[-1])}
    print(benchcli.measure(best, inputs=(1, 3, 224, 224)))


if __name__ == "__main__":
    main()
