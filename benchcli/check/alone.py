"""Compare base beside head with base alone, to find what head does to the whole process.

Where one process runs both versions, a slowdown of everything in it slows base too, and cancels out.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import replace
from statistics import mean

from benchcli.check.versions import BASE
from benchcli.measure.launches import Evidence
from benchcli.schema import Family
from benchcli.statistics import launch_log_seconds

DIFFERENCE = 0.05
"""The least slowdown of base beside head for which the versions get separate processes."""
ROUNDS = 6
"""Rounds of a launch of base alone."""
LAUNCHES = 2
"""Launches of base alone that must all be faster: a single one may be lucky."""


def base_of(family: Family) -> Family:
    """Return a pair's family with base as its only variant."""
    return replace(family, variants=tuple(each for each in family.variants if each.name == BASE))


def slowdown(families: Sequence[Family], beside: Evidence, alone: Evidence) -> float:
    """Return the factor by which base is slower beside head, by its fastest launch against the slowest alone.

    It is the geometric mean over the families that have times in both; 1 if there is none.
    """
    known = [f for f in families if all(each.samples.get((f.name, BASE)) for each in (beside, alone))]
    if not known:
        return 1.0
    return math.exp(min(_by_launch(known, beside)) - max(_by_launch(known, alone)))


def _by_launch(families: Iterable[Family], evidence: Evidence) -> list[float]:
    """Return each launch's mean logarithm of base's seconds, of the launches that have all families."""
    by_family = [launch_log_seconds(evidence.samples[family.name, BASE]) for family in families]
    whole = set.intersection(*(set(each) for each in by_family))
    return [mean(each[launch] for each in by_family) for launch in whole] or [0.0]
