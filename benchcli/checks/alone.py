"""Compare base beside head with base alone, to find what head does to the whole process.

Where one process runs both versions, a slowdown of everything in it slows base too, and cancels out.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from statistics import mean

from benchcli.checks.versions import BASE
from benchcli.sampling.evidence import Evidence
from benchcli.schema import Family, Sample
from benchcli.statistics import launch_log_seconds

DIFFERENCE = 0.05
"""The least mean slowdown of base beside head for which the versions get separate processes."""
DIFFERENCE_OF_ONE = 0.10
"""The same for a single network, whose launches vary more than the mean of all."""
ROUNDS = 6
"""Rounds of a launch of base alone."""
LAUNCHES = 4
"""Launches of base alone that must all be faster than all beside head, with which they take turns.

The machine's speed may change with the load of others, but not in step with them.
"""

SamplesByFamily = Mapping[str, Sequence[Sample]]


def base_of(family: Family) -> Family:
    """Return a pair's family with base as its only variant."""
    return replace(family, variants=tuple(each for each in family.variants if each.name == BASE))


def slowdown(families: Sequence[Family], beside: Sequence[Evidence], alone: Evidence) -> float:
    """Return the slowdown factor of base beside head if it is above the limit, else 1.

    It is that of the geometric mean over the families, against DIFFERENCE, or of a single one, against
    DIFFERENCE_OF_ONE: code that loads late slows only the families after it. Each is base's fastest
    launch beside head over its slowest alone.
    """
    samples = {
        family.name: [each for part in beside for each in part.samples.get((family.name, BASE), ())]
        for family in families
    }
    known = [family for family in families if samples[family.name] and alone.samples.get((family.name, BASE))]
    lone = {family.name: alone.samples[family.name, BASE] for family in known}
    groups = [([family.name for family in known], DIFFERENCE), *(([f.name], DIFFERENCE_OF_ONE) for f in known)]
    factors = [(_factor(group, samples, lone), limit) for group, limit in groups if group]
    return max((factor for factor, limit in factors if factor > 1 + limit), default=1.0)


def _factor(names: Sequence[str], beside: SamplesByFamily, alone: SamplesByFamily) -> float:
    fastest, slowest = _by_launch(names, beside), _by_launch(names, alone)
    return math.exp(min(fastest) - max(slowest)) if fastest and slowest else 1.0


def _by_launch(names: Sequence[str], samples: SamplesByFamily) -> list[float]:
    """Return each launch's mean logarithm of base's seconds, of the launches that have all families."""
    by_family = [launch_log_seconds(samples[name]) for name in names]
    complete = set.intersection(*(set(each) for each in by_family))
    return [mean(each[launch] for each in by_family) for launch in complete]
