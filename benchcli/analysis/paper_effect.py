"""Compare the effect that a guideline has here with the effect that the paper printed."""

import math
from dataclasses import dataclass

from benchcli.analysis.equal_flops import at_equal_flops
from benchcli.backends.devices.base import device_named
from benchcli.schema import INFERENCE, Interval, Record
from benchcli.workloads.guidelines.base import EXPERIMENTS, SIZE
from benchcli.workloads.guidelines.guideline_request import paper_column

LEAST_DIFFERENCE = 0.1
"""The least part by which the baseline's channels fill the vectors better that is worth a word."""


@dataclass(frozen=True)
class PaperEffect:
    """How strong an effect is beside the paper's, both at equal FLOPs."""

    speed: Interval
    """The paper's relative speed at equal FLOPs; its ends are those of its rounding."""
    strength: Interval | None
    """How many times as strong the effect is here: the logarithm of this relative speed over that of the paper's.

    Negative if it has the other direction here. None if the paper's own may be none, by its rounding.
    """


@dataclass(frozen=True)
class VectorFill:
    """How much of the processor's vectors the channels of a network's convolutions fill."""

    lanes: int
    """The float32 numbers in a vector."""
    channels: tuple[int, int]
    """Input and output channels of a convolution, in one of its groups."""
    share: float
    """Of the multiply-adds of its padded blocks, those that count."""
    baseline_share: float


def paper_speed(record: Record) -> float | None:
    """Return the paper's relative speed of a guideline's variant; None as `printed_speed`."""
    printed = printed_speed(record)
    return printed.estimate if printed else None


def printed_speed(record: Record) -> Interval | None:
    """Return the paper's relative speed of a guideline's variant, to the family's baseline, with its rounding.

    None unless channels, input size and batch are the paper's.
    """
    family = record.family
    if not family.widths.startswith("paper") or record.variant.shape[-1] != SIZE or family.batch != 1:
        return None
    column = paper_column(family.widths, device_named(record.target.device).column)
    return EXPERIMENTS[family.guideline].paper_relative_speed(
        record.variant.name, column, family.scale, family.baseline
    )


def paper_effect(record: Record) -> PaperEffect | None:
    """Return how the effect on a variant compares with the paper's; None if the paper has none like it."""
    here, printed = at_equal_flops(record), printed_speed(record)
    if here is None or printed is None or record.family.step != INFERENCE:
        return None
    published = printed.times(1 + (record.flops_deviation or 0.0))
    return PaperEffect(published, _strength(here, published))


def _strength(here: Interval, published: Interval) -> Interval | None:
    """Return the quotient of the logarithms. Its ends hold every quotient of a value here and an unrounded one."""
    if published.low is None or published.high is None or published.low <= 1 <= published.high:
        return None
    middle = math.log(here.estimate) / math.log(published.estimate)
    if here.low is None or here.high is None:
        return Interval(middle)
    quotients = [
        math.log(one) / math.log(other) for one in (here.low, here.high) for other in (published.low, published.high)
    ]
    return Interval(middle, min(quotients), max(quotients))


def vector_fill(record: Record, baseline: Record, lanes: int | None) -> VectorFill | None:
    """Return how the variant fills vectors, if its baseline does so better; None if that is not known.

    Convolution libraries of processors pad channels to whole vectors, and compute with the padding.
    """
    if lanes is None or record.target.device != "cpu" or record.family.dtype != "float32":
        return None
    guideline = EXPERIMENTS[record.family.guideline]
    try:
        channels, its = (guideline.convolution(each.variant.params) for each in (record, baseline))
        if channels is None or its is None:
            return None
        share, baseline_share = filled(channels, lanes), filled(its, lanes)
    except (ArithmeticError, LookupError, TypeError, ValueError):  # recorded by somebody else, whatever they are
        return None
    if baseline_share - share < LEAST_DIFFERENCE:
        return None
    return VectorFill(lanes, channels, share, baseline_share)


def filled(channels: tuple[int, int], lanes: int) -> float:
    """Return the share of the multiply-adds of blocks of `lanes` channels that are not of padding."""
    return math.prod(channels) / math.prod(math.ceil(each / lanes) * lanes for each in channels)
