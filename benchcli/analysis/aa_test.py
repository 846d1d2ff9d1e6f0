"""Test the measurement itself: A/A tests of equal networks, and networks of a known slowdown.

Two copies of one network are equally fast, so the interval of their relative speed should hold 1
in 95 of 100 comparisons. A network with 5 % more blocks is 5 % slower, which the comparison should
detect.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from benchcli.analysis.equal_flops import EFFECT
from benchcli.noise.diagnosis import preflight
from benchcli.sampling.engine import Session, measure
from benchcli.sampling.supervise import survey
from benchcli.schema import BUILT_IN, Family, FamilyResult, Interval, Plan, Target, Variant
from benchcli.schema.warnings import RunWarning
from benchcli.statistics import POWERFUL, Count
from benchcli.workers.tools import Tools

BLOCKS, MORE_BLOCKS = 20, 21
"""Blocks of a network, and of the network with a known slowdown."""
TOGETHER = 8
"""The number of comparisons that share their launches."""
KINDS = {
    # Channels, groups and size. "dense" is compute-bound, "grouped" is memory-bound.
    "dense": (64, 1, 28),
    "grouped": (128, 8, 56),
}


@dataclass(frozen=True)
class Trial:
    """One comparison whose true relative speed is known."""

    name: str
    kind: str
    injected: bool
    """Whether the second network has more blocks than the first; else both are equal."""
    relative: Interval | None
    """The first network's time over the second's; None if it could not be measured."""
    warnings: tuple[RunWarning, ...]
    error: str | None = None
    """Why the comparison could not be measured."""


@dataclass(frozen=True)
class Summary:
    """Error rates and precision over all comparisons."""

    covered: Count
    """The intervals of equal networks that hold 1."""
    false_alarms: Count
    """The equal networks that differ by more than the practical effect (`EFFECT`)."""
    found: Count | None
    """The detected slowdowns of 5 %; None if none was measured."""
    half_width: float
    """The median relative half-width of the equal networks' relative speeds."""
    detectable: float
    """The minimum detectable effect: the least slowdown that 80 of 100 comparisons find."""


def families(comparisons: int, slowdowns: int) -> list[Family]:
    """Return a family of two variants for each comparison; groups of them share launches."""
    injections = [False] * comparisons + [True] * slowdowns
    return [_family(number, tuple(KINDS)[number % len(KINDS)], injected) for number, injected in enumerate(injections)]


def equal(names: Sequence[str]) -> list[Family]:
    """Return a family of equal networks of these names for each kind."""
    return [_of_chains(f"equal-{kind}", "trial", kind, dict.fromkeys(names, BLOCKS)) for kind in KINDS]


def compare(asked: Sequence[Family], target: Target, plan: Plan, tools: Tools) -> Iterator[Trial]:
    """Measure the families and yield each comparison when it is done.

    A later comparison of the same name replaces the earlier one.
    """
    for warning in preflight(target, tools.busy_cores):
        tools.warn(warning)
    with tools.workers() as launcher:
        surveyed = survey(asked, target, plan, launcher)
        run = Session("selftest", "selftest", target, plan, surveyed, launcher, tools.observe, tools.clock)
        for result in measure(asked, run):
            yield trial(result)


def trial(result: FamilyResult) -> Trial:
    """Return the comparison that a family's result makes."""
    first, second = result.records
    injected = second.variant.params["blocks"] != first.variant.params["blocks"]
    relative = second.timing.relative if second.timing else None
    warnings = tuple(dict.fromkeys(each for record in result.records for each in record.warnings))
    error = next((record.failure.error for record in result.records if record.failure), None)
    return Trial(result.family.name, str(first.variant.channels), injected, relative, warnings, error)


def summary(done: Sequence[Trial]) -> Summary | None:
    """Return the summary of the comparisons; None if no interval of equal networks was measured."""
    equal = [each.relative for each in done if not each.injected and each.relative and each.relative.low is not None]
    slower = [each.relative for each in done if each.injected and each.relative and each.relative.low is not None]
    if not equal:
        return None
    half_width = median(interval.relative_half_width or 0.0 for interval in equal)
    return Summary(
        covered=Count(sum(interval.holds(1.0) for interval in equal), len(equal)),
        false_alarms=Count(sum(interval.compare(EFFECT) in {"faster", "slower"} for interval in equal), len(equal)),
        found=Count(sum(interval.is_below(1.0) for interval in slower), len(slower)) if slower else None,
        half_width=half_width,
        detectable=half_width * POWERFUL,
    )


def _family(number: int, kind: str, injected: bool) -> Family:
    name = f"{'slowdown' if injected else 'equal'}-{number + 1}"
    blocks = {"first": BLOCKS, "second": MORE_BLOCKS if injected else BLOCKS}
    return _of_chains(name, f"selftest {number // TOGETHER + 1}", kind, blocks)


def _of_chains(name: str, guideline: str, kind: str, blocks: Mapping[str, int]) -> Family:
    """Return a family of chains of this kind, with so many blocks by name."""
    channels, groups, size = KINDS[kind]
    variants = tuple(
        Variant(
            name=each,
            builder=f"{BUILT_IN}reference/chain",
            params={"channels": channels, "groups": groups, "blocks": number},
            shape=(channels, size, size),
            channels=kind,
        )
        for each, number in blocks.items()
    )
    return Family(name, guideline, 1, "selftest", 1, "float32", "nchw", variants)
