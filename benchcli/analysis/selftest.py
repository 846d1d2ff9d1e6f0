"""How far this machine's figures can be trusted: equal networks compared, and slowdowns that are known.

Two copies of one network are equally fast, so an interval for their relative speed should hold 1, and 95 in 100 do. A
network with a twentieth more blocks is slower by a twentieth, and should be found so.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import median

from benchcli.analysis.verdicts import EFFECT
from benchcli.measure.diagnostics import preflight
from benchcli.measure.engine import Run, measure
from benchcli.measure.supervise import survey
from benchcli.measure.tools import Tools
from benchcli.schema import BUILT_IN, Family, FamilyResult, Interval, Plan, Target, Variant
from benchcli.statistics import Count

BLOCKS, MORE_BLOCKS = 20, 21
TOGETHER = 8
"""Comparisons that share their launches."""
POWERFUL = (1.96 + 0.84) / 1.96
"""How many half-widths a difference must be to be found in 80 of 100 comparisons."""
KINDS = {
    # Channels, groups and size: the first is bound by arithmetic, the second by memory.
    "dense": (64, 1, 28),
    "grouped": (128, 8, 56),
}


@dataclass(frozen=True)
class Comparison:
    """One comparison whose answer is known."""

    name: str
    kind: str
    injected: bool
    """Whether the second network has more blocks than the first; otherwise they are equal."""
    relative: Interval | None
    """The first one's time over the second one's; None where it could not be measured."""
    warnings: tuple[str, ...]
    error: str | None = None
    """Why it could not be measured."""


@dataclass(frozen=True)
class Summary:
    """What the comparisons say together."""

    covered: Count
    """Intervals of equal networks that hold 1."""
    false_alarms: Count
    """Equal networks called different by more than the practical effect."""
    found: Count | None
    """Slowdowns of a twentieth that were found."""
    half_width: float
    """Of the relative speeds of equal networks, the median."""
    detectable: float
    """The least slowdown that four in five comparisons would find."""


def families(comparisons: int, slowdowns: int) -> list[Family]:
    """Return a family of two variants for each comparison, so that they share their launches by the group."""
    wanted = [False] * comparisons + [True] * slowdowns
    return [_family(number, tuple(KINDS)[number % len(KINDS)], injected) for number, injected in enumerate(wanted)]


def compare(asked: Sequence[Family], target: Target, plan: Plan, tools: Tools) -> Iterator[Comparison]:
    """Measure the families and yield each comparison as it is done; a later one takes the earlier one's place."""
    for code in preflight(target, tools.busy_cores):
        tools.warn(code)
    with tools.workers() as launcher:
        known = survey(asked, target, plan, launcher)
        run = Run("selftest", "selftest", target, plan, known, launcher, tools.observe, tools.clock)
        for result in measure(asked, run):
            yield comparison(result)


def comparison(result: FamilyResult) -> Comparison:
    """Return what a family's result says."""
    first, second = result.records
    injected = second.variant.params["blocks"] != first.variant.params["blocks"]
    relative = second.timing.relative if second.timing else None
    codes = tuple(dict.fromkeys(code for record in result.records for code in record.warnings))
    error = next((record.failure.error for record in result.records if record.failure), None)
    return Comparison(result.family.name, str(first.variant.channels), injected, relative, codes, error)


def summary(done: Sequence[Comparison]) -> Summary | None:
    """Count; None where no two equal networks were compared."""
    equal = [each.relative for each in done if not each.injected and each.relative and each.relative.low is not None]
    slower = [each.relative for each in done if each.injected and each.relative and each.relative.low is not None]
    if not equal:
        return None
    half_width = median(interval.relative_half_width or 0.0 for interval in equal)
    return Summary(
        covered=Count(sum(interval.holds(1.0) for interval in equal), len(equal)),
        false_alarms=Count(sum(interval.min_log_change > math.log1p(EFFECT) for interval in equal), len(equal)),
        found=Count(sum((interval.high or 1.0) < 1.0 for interval in slower), len(slower)) if slower else None,
        half_width=half_width,
        detectable=half_width * POWERFUL,
    )


def _family(number: int, kind: str, injected: bool) -> Family:
    channels, groups, size = KINDS[kind]
    variants = tuple(
        Variant(
            name=name,
            builder=f"{BUILT_IN}reference/chain",
            params={"channels": channels, "groups": groups, "blocks": blocks},
            shape=(channels, size, size),
            channels=kind,
        )
        for name, blocks in (("first", BLOCKS), ("second", MORE_BLOCKS if injected else BLOCKS))
    )
    name = f"{'slowdown' if injected else 'equal'}-{number + 1}"
    return Family(name, f"selftest {number // TOGETHER + 1}", 1, "selftest", 1, "float32", "nchw", variants)
