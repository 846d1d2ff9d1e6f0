"""Compare the versions in processes of their own with the versions in one process.

One process compares two versions sharply, because both share its moment and its memory. It is a
refinement: two processes are the truth. What one version does to the whole process, or what it no
longer does, is there for both in one process, whatever it is.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import mean

from benchcli.checks.versions import BASE, HEAD
from benchcli.sampling.evidence import Evidence
from benchcli.schema import Family
from benchcli.statistics import launch_log_seconds

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
    """Head's time over base's, by the fastest launches of each."""

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

    The change is the geometric mean over the families, held against DIFFERENCE, or that of a single
    one, against DIFFERENCE_OF_ONE: code that loads late affects only the families after it. Noise only
    adds time, so each time is the fastest launch's.
    """
    of_both, of_each = dict.fromkeys(SIDES, together), {side: [apart[side]] for side in SIDES}
    changes = [(_change(family, of_both), _change(family, of_each)) for family in families]
    known = [(one, two) for one, two in changes if one is not None and two is not None]
    if not known:
        return None
    groups = [(mean(one for one, _ in known), mean(two for _, two in known), DIFFERENCE)]
    groups += [(one, two, DIFFERENCE_OF_ONE) for one, two in known]
    one, two, limit = max(groups, key=lambda group: abs(group[0] - group[1]) - math.log1p(group[2]))
    return Disagreement(math.exp(two), math.exp(one)) if abs(one - two) > math.log1p(limit) else None


def _change(family: Family, evidence: Mapping[str, Sequence[Evidence]]) -> float | None:
    """Return log(head / base) of the fastest launches; None if a side has none."""
    fastest: dict[str, float] = {}
    for side, several in evidence.items():
        launches = [
            log for each in several for log in launch_log_seconds(each.known(family).samples.get(side, ())).values()
        ]
        if not launches:
            return None
        fastest[side] = min(launches)
    return fastest[HEAD] - fastest[BASE]
