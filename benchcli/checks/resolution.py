"""Say beforehand what measurements resolve on a machine, from a short trial of equal networks."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from statistics import mean, stdev

from benchcli.checks import rules
from benchcli.checks.pairs import CONTROL
from benchcli.checks.versions import BASE, HEAD
from benchcli.errors import NothingMeasuredError
from benchcli.sampling.evidence import Evidence
from benchcli.sampling.supervise import survey
from benchcli.sampling.worker_reports import collect
from benchcli.schema import Family, Plan, Sample, Target
from benchcli.schema.protocol import Launcher
from benchcli.settings import CONFIRMING_LAUNCHES
from benchcli.statistics import Z_95, launch_log_ratios

LAUNCHES = 6
"""Of the trial."""
ROUNDS = 6
"""Rounds of its launches."""
SIDES = (BASE, CONTROL, HEAD)
"""The names of the equal networks of a family."""


@dataclass(frozen=True)
class Resolution:
    """What a run and a check resolve, as fractions: of the network that is measured least well."""

    half_width: float
    """The half-width of a relative speed's interval after the default budget, of a family of three networks."""
    budget_s: float
    detectable: float
    """The slowdown of one network that four of five checks find, after as many launches as they make at least."""


def resolution(
    families: Sequence[Family], target: Target, plan: Plan, launcher: Launcher, clock: Callable[[], float]
) -> Resolution:
    """Compare the equal networks of each family, named as in SIDES. Raises NothingMeasuredError where none has a time.

    The trial's launches are few: both figures are good to a third.
    """
    trial = Plan(launches=LAUNCHES, silence_s=plan.silence_s)
    surveyed = survey(families, target, trial, launcher)
    evidence = Evidence(target, trial, surveyed.costs, surveyed.failures)
    evidence.seconds, evidence.rounds = 0.0, ROUNDS
    seconds: list[float] = []
    for _ in range(LAUNCHES):
        start_s = clock()
        evidence.launch(families, partial(collect, launcher))
        seconds.append(clock() - start_s)
    fitting = max(LAUNCHES, len(families) * plan.budget_s / max(mean(seconds[1:]), 1e-9))  # the first starts a server
    samples = (evidence.known(family).samples for family in families)
    found = [figures for each in samples if (figures := _figures(each, fitting))]
    if not found:
        errors = [each.error for each in surveyed.failures.by_key.values()]
        raise NothingMeasuredError(f"no trial: {errors[0] if errors else 'no two launches could be compared'}")
    return Resolution(max(half for half, _ in found), plan.budget_s, max(least for _, least in found))


def _figures(samples: Mapping[str, Sequence[Sample]], launches: float) -> tuple[float, float] | None:
    """Return the half-width after so many launches, and the slowdown that a check finds; None without two launches."""
    base, control, head = (samples.get(side, ()) for side in SIDES)
    changes = launch_log_ratios(head, base)
    values, moved = rules.differences_of(changes, launch_log_ratios(control, base))
    if len(values) < 2:
        return None
    least = rules.detectable(values, moved, rules.THRESHOLD_TOGETHER, 1, CONFIRMING_LAUNCHES)
    return Z_95 * stdev(changes.values()) / math.sqrt(launches), math.expm1(least)
