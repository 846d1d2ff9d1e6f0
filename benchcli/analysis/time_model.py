"""Predict the time of a network from the times of its operators alone.

Operators that are called again and again by themselves sum to less than the network: theirs is the nearest
cache, and no Python runs between them. So each is timed in three states of the caches, and the sums of
those, with what a call of an operator takes beside them, are weighted by what the times of a few networks say (Hastie,
Tibshirani and Friedman, The Elements of Statistical Learning, 2009, Section 3.2: least squares, of relative
errors here).
"""

import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache

from benchcli.analysis.fit import coefficients
from benchcli.formatting import milliseconds
from benchcli.sampling.operator_table import Calibration, OperatorTable
from benchcli.schema.recipes import OperatorList, OperatorRecipe, OperatorTimes
from benchcli.schema.records import Interval
from benchcli.statistics import student_t_quantile

LEVEL = 0.95
HALVES = (4e6, 8e6, 16e6, 24e6, 32e6, 64e6, 128e6)
"""The bytes of weights that are tried for `half_bytes`."""
SHORT = 0.5
"""A network that takes less than this share of the calibration's fastest one is unlike all of them."""
FOREIGN = 0.25
"""So is one that spends at least this share in operators that none of them has."""
LEAST_NETWORKS = 6
"""The fewest networks that a calibration is made of."""


@dataclass(frozen=True)
class MeasuredList:
    """A network whose time is known: its operators, and its seconds."""

    name: str
    listed: OperatorList
    seconds: float


@dataclass(frozen=True)
class NetworkPrediction:
    """The predicted time of a network, and what it lacks."""

    name: str
    seconds: Interval
    """Of a call, with a range that is meant to hold 95 % of networks; it has none if something is lacking."""
    by_flops_s: float
    """If only multiply-adds counted."""
    by_bytes_s: float
    """If only memory access counted, each operator's unfused."""
    additive_s: float
    """If multiply-adds, memory access and the number of operators added up."""
    operators: int
    """Calls of operators."""
    lacking: tuple[str, ...] = ()
    """What the time does not hold, because nothing is known of it: the prediction is too small by that."""
    unlike: str = ""
    """In what the network is unlike those of the calibration, so that their errors say nothing of it, and it has no
    range."""
    disturbed: tuple[str, ...] = ()
    """Its operators of which the table has only times that were disturbed: it is likely to be too long."""


@cache
def kin(name: str) -> str:
    """Return the family of networks that a name begins with, such as "shufflenet-v1"."""
    return "-".join(re.findall(r"^[a-z]+|(?<=-)v\d+(?=-)", name)) or name


def terms_of(listed: OperatorList, times: Mapping[str, OperatorTimes], half_bytes: float) -> list[float]:
    """Return the terms of a network's time, in seconds but the last: what its operators take with warm caches,
    what weights beyond the private caches add, what weights that have gone further add, and the calls of operators.

    How far they have gone depends on what else was read since the last call: on the weights of the network.
    """
    warm = near = far = calls = 0.0
    for each in listed.operators:
        known = times.get(each.recipe.key)
        if known:
            calls += each.times
            warm += each.times * known.warm_s
            near += each.times * max(0.0, known.near_s - known.warm_s)
            far += each.times * max(0.0, known.far_s - known.near_s)
    gone = listed.weight_bytes / (listed.weight_bytes + half_bytes)
    return [warm, near, far * gone, calls]


def calibrate(networks: Sequence[MeasuredList], table: OperatorTable) -> Calibration:
    """Return the factors of the terms, from networks whose times are known. Raises ValueError if they are too few."""
    if len(networks) < LEAST_NETWORKS:
        raise ValueError(f"{len(networks)} networks are too few: {LEAST_NETWORKS} are needed")
    seconds = [each.seconds for each in networks]
    by_half = {half: [terms_of(each.listed, table.times, half) for each in networks] for half in HALVES}
    families = [kin(each.name) for each in networks]
    errors = {half: _left_out(rows, seconds, families) for half, rows in by_half.items()}
    half = min(HALVES, key=lambda each: sum(error**2 for error in errors[each]))
    additive = [_costs(each.listed) for each in networks]
    return Calibration(
        factors=tuple(coefficients(by_half[half], seconds)),
        half_bytes=half,
        flops_s=_typical([each.seconds / max(1, each.listed.flops) for each in networks]),
        byte_s=_typical([each.seconds / max(1, each.listed.mac_bytes) for each in networks]),
        additive=tuple(coefficients(additive, seconds)),
        errors=tuple(errors[half]),
        seconds={each.name: each.seconds for each in networks},
        operators=tuple(sorted({each.recipe.operator for listed in networks for each in listed.listed.operators})),
    )


def predicted(name: str, listed: OperatorList, table: OperatorTable) -> NetworkPrediction:
    """Return the prediction of a network's time. Raises ValueError if the table is not calibrated."""
    found = table.calibration
    if found is None:
        raise ValueError("the table is not calibrated")
    seconds = _sum(found.factors, terms_of(listed, table.times, found.half_bytes))
    lacking = [*listed.lacking, *_unknown(listed, table)]
    unlike = _unlike(seconds, listed, table, found)
    known = Interval(seconds, None, None)  # a sum that lacks something has no range
    return NetworkPrediction(
        name=name,
        seconds=known if lacking or unlike else _range(seconds, found),
        by_flops_s=found.flops_s * listed.flops,
        by_bytes_s=found.byte_s * listed.mac_bytes,
        additive_s=_sum(found.additive, _costs(listed)),
        operators=listed.calls,
        lacking=tuple(lacking),
        unlike=unlike,
        disturbed=_disturbed(listed, table) if table.disturbed else (),
    )


def _unlike(seconds: float, listed: OperatorList, table: OperatorTable, found: Calibration) -> str:
    """Return in what a network is unlike those of the calibration; empty if in nothing that would matter."""
    if seconds < SHORT * found.fastest_s:
        fastest = milliseconds(found.fastest_s)
        return f"it takes less than half as long as the fastest network of the calibration, {fastest} ms"
    if not found.operators:
        return ""
    spent = defaultdict[str, float](float)
    for each in listed.operators:
        if known := table.times.get(each.recipe.key):
            spent[each.recipe.operator] += each.times * known.near_s
    foreign = {name: seconds for name, seconds in spent.items() if name not in found.operators}
    if not foreign or sum(foreign.values()) < FOREIGN * sum(spent.values()):
        return ""
    return f"no network of the calibration has {max(foreign, key=foreign.__getitem__)}, in which much of its time is"


def _disturbed(listed: OperatorList, table: OperatorTable) -> tuple[str, ...]:
    """Return the operators of which the table has only disturbed times, each once."""
    return tuple(dict.fromkeys(str(each) for each in _recipes(listed) if each.key in table.disturbed))


def _recipes(listed: OperatorList) -> Iterator[OperatorRecipe]:
    return (each.recipe for each in listed.operators)


def _unknown(listed: OperatorList, table: OperatorTable) -> list[str]:
    """Return the operators of which the table has no time, each with the reason if there is one."""
    unknown = [each for each in _recipes(listed) if each.key not in table.times]
    reasons = [table.failures.get(each.key) for each in unknown]
    return [f"{each} ({reason})" if reason else str(each) for each, reason in zip(unknown, reasons, strict=True)]


def _costs(listed: OperatorList) -> list[float]:
    return [float(listed.flops), float(listed.mac_bytes), float(listed.calls)]


def _sum(factors: Sequence[float], terms: Sequence[float]) -> float:
    return sum(factor * term for factor, term in zip(factors, terms, strict=True))


def _typical(values: Sequence[float]) -> float:
    """Return the geometric mean."""
    return math.exp(sum(map(math.log, values)) / len(values))


def _left_out(rows: Sequence[Sequence[float]], seconds: Sequence[float], families: Sequence[str]) -> list[float]:
    """Return ln(predicted / measured) of each network, by the factors that networks of other families give.

    Where those are too few, the others of its own family are not left out.
    """
    errors = []
    for place in range(len(rows)):
        others = [index for index in range(len(rows)) if families[index] != families[place]]
        if len(others) < LEAST_NETWORKS - 1:
            others = [index for index in range(len(rows)) if index != place]
        factors = coefficients([rows[index] for index in others], [seconds[index] for index in others])
        errors.append(math.log(max(_sum(factors, rows[place]), 1e-12) / seconds[place]))
    return errors


def _range(seconds: float, found: Calibration) -> Interval:
    """Return the range for a network of which nothing is known but its operators (Student's prediction interval).

    Networks of one family err alike: it is families that are independent. Of a network that is faster than those of
    the calibration, more of the time is what a call takes beside the work, whose error does not shrink with it: the
    range keeps the seconds that it has for the fastest of them.
    """
    n = max(2, len({kin(each) for each in found.seconds}))
    spread = math.sqrt(sum(each**2 for each in found.errors) / len(found.errors))
    half = student_t_quantile(1 - (1 - LEVEL) / 2, n - 1) * spread * math.sqrt(1 + 1 / n)
    if seconds < found.fastest_s:
        half *= found.fastest_s / seconds
    return Interval(seconds, seconds / math.exp(half), seconds * math.exp(half))
