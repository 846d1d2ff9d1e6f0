"""Compare the versions in processes of their own with the versions in one process.

One process compares two versions sharply, because both share its moment and its memory. It is a
refinement: two processes are the truth. What one version does to the whole process, or what it no
longer does, is there for both in one process, whatever it is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean, median

from benchcli.checks.versions import BASE, HEAD
from benchcli.sampling.evidence import Evidence
from benchcli.schema import Family
from benchcli.statistics import launch_log_ratios, launch_log_seconds

DIFFERENCE = 0.05
"""The least difference of the mean change of all networks for which the versions get separate processes."""
DIFFERENCE_OF_ONE = 0.10
"""The same for a single network, whose launches vary more than the mean of all."""
ROUNDS = 6
"""Rounds of a launch of one version alone."""
LAUNCHES = 6
"""The most launches of each version alone. They take turns with launches of both, until they agree."""
SIDES = (BASE, HEAD)


@dataclass(frozen=True)
class Disagreement:
    """Head's time over base's: medians over launches."""

    apart: float
    """In processes of their own."""
    together: float
    """In one process."""


def of_side(family: Family, side: str) -> Family:
    """Return a pair's family with one version as its only variant."""
    return replace(family, variants=tuple(each for each in family.variants if each.name == side))


def disagreement(
    families: Sequence[Family], together: Sequence[Evidence], apart: Mapping[str, Evidence]
) -> Disagreement | None:
    """Return how the change in one process differs from that in two; None while it does not.

    The change is the mean over the families, held against DIFFERENCE, or that of a single one, against
    DIFFERENCE_OF_ONE: code that loads late affects only the families after it. It differs if all
    launches of both versions say so, whichever launch of base is held against whichever of head alone:
    noise in some of them does not look like an effect.
    """
    by_family = [
        (_together(family, together), *(_alone(family, apart[side], side) for side in SIDES)) for family in families
    ]
    known = [each for each in by_family if all(each)]
    groups = [(known, DIFFERENCE), *(([each], DIFFERENCE_OF_ONE) for each in known)] if known else []
    found = [(gap, each) for group, limit in groups if (gap := _gap(each := _means(group)) - math.log1p(limit)) > 0]
    if not found:
        return None
    both, base, head = max(found)[1]
    return Disagreement(math.exp(median(head) - median(base)), math.exp(median(both)))


Logs = tuple[list[float], list[float], list[float]]
"""Of each launch: log(head / base) in one process, and the logarithms of base's and head's seconds alone."""


def _gap(logs: Logs) -> float:
    """Return how far apart the changes in one process and those in two are at least; negative if they overlap."""
    both, base, head = logs
    return max(min(head) - max(base) - max(both), min(both) - (max(head) - min(base)))


def _means(group: Sequence[tuple[Mapping[int, float], ...]]) -> Logs:
    """Return the mean over the families of a group, of each launch that has all of them."""
    sides: list[list[float]] = []
    for several in zip(*group, strict=True):
        complete = set.intersection(*(set(each) for each in several))
        sides.append([mean(each[launch] for each in several) for launch in sorted(complete)] or [math.nan])
    return sides[0], sides[1], sides[2]


def _together(family: Family, evidence: Sequence[Evidence]) -> dict[int, float]:
    """Return log(head / base) of each launch of both."""
    known = [each.known(family).samples for each in evidence]
    head, base = ([sample for samples in known for sample in samples.get(side, ())] for side in (HEAD, BASE))
    return launch_log_ratios(head, base)


def _alone(family: Family, evidence: Evidence, side: str) -> dict[int, float]:
    """Return the logarithm of the seconds of each launch of one side alone."""
    return launch_log_seconds(evidence.known(family).samples.get(side, ()))
