"""Compare base beside head with base alone, to find what head does to the whole process.

Where one process runs both versions, a slowdown of everything in it slows base too, and cancels out.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from statistics import mean

from benchcli.checks.versions import BASE
from benchcli.sampling.evidence import Evidence
from benchcli.schema import Family
from benchcli.statistics import launch_log_seconds

DIFFERENCE = 0.05
"""The least mean slowdown of base beside head for which the versions get separate processes."""
DIFFERENCE_OF_ONE = 0.10
"""The same for a single network, whose launches vary more than the mean of all."""
ROUNDS = 6
"""Rounds of a launch of base alone."""
LAUNCHES = 2
"""Launches of base alone that must all be faster: a single one may be lucky."""


def base_of(family: Family) -> Family:
    """Return a pair's family with base as its only variant."""
    return replace(family, variants=tuple(each for each in family.variants if each.name == BASE))


def slowdown(families: Sequence[Family], beside: Evidence, alone: Evidence) -> float:
    """Return the slowdown factor of base beside head if it is above the limit, else 1.

    It is that of the geometric mean over the families, against DIFFERENCE, or of a single one, against
    DIFFERENCE_OF_ONE: code that loads late slows only the families after it. Each is base's fastest
    launch beside head over its slowest alone.
    """
    known = [f for f in families if all(each.samples.get((f.name, BASE)) for each in (beside, alone))]
    limits = [(known, DIFFERENCE), *(([family], DIFFERENCE_OF_ONE) for family in known)] if known else []
    factors = [(_factor(group, beside, alone), limit) for group, limit in limits]
    return max((factor for factor, limit in factors if factor > 1 + limit), default=1.0)


def _factor(families: Sequence[Family], beside: Evidence, alone: Evidence) -> float:
    fastest, slowest = _by_launch(families, beside), _by_launch(families, alone)
    return math.exp(min(fastest) - max(slowest)) if fastest and slowest else 1.0


def _by_launch(families: Sequence[Family], evidence: Evidence) -> list[float]:
    """Return each launch's mean logarithm of base's seconds, of the launches that have all families."""
    by_family = [launch_log_seconds(evidence.samples[family.name, BASE]) for family in families]
    complete = set.intersection(*(set(each) for each in by_family))
    return [mean(each[launch] for each in by_family) for launch in complete]
