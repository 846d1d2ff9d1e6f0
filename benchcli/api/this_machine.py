"""Describe the machine and its fitness for measuring, and run the self-test."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Unpack

from benchcli.analysis.aa_test import Summary, Trial, compare, equal, families, summary
from benchcli.api.keywords import DeviceSettings, PeaksSettings, SelfTestSettings, Tools, plan_of, target_of, tools_of
from benchcli.api.result import Result, UnfinishedError
from benchcli.checks.resolution import SIDES, Resolution, resolution
from benchcli.errors import NothingMeasuredError, UserError
from benchcli.noise.fitness import Grade, Probe, grade
from benchcli.reports.page import Page
from benchcli.reports.views import device_page, peaks_page, selftest_page
from benchcli.runs.run_environment import describe
from benchcli.sampling import measured_roofs
from benchcli.schema import Plan, Target
from benchcli.schema.environment import Machine
from benchcli.schema.progress import Progress
from benchcli.schema.protocol import Launcher
from benchcli.schema.roofs import Roofs
from benchcli.schema.structure import structure
from benchcli.settings import COMPARISONS, FRESH, IN_PYTHON, OF_ROOFS, QUICK, SELFTEST, TARGET, TOOLS, checked
from benchcli.spelling import given
from benchcli.statistics import has_ranks


@dataclass(repr=False)
class DeviceFacts(Result):
    """A device, the machine around it, and how fit it is for measuring at this moment."""

    facts: Mapping[str, Mapping[str, object]]
    """In sections: machine, device, software, settings, available, identity."""
    probe: Probe
    """Observations of 1.5 seconds."""
    grade: Grade
    """good, fair or poor, with the reasons."""
    resolution: Resolution | None = None
    """What measurements resolve here; None without a trial, or if it gave no time."""

    def sections(self) -> dict[str, Mapping[str, object]]:
        """Return facts, observations and fitness, with the keys of the command line's JSON."""
        return {
            **self.facts,
            "observed": device_page.probed(self.probe),
            "fitness": device_page.fitness_data(self.grade),
            **({"resolution": vars(self.resolution)} if self.resolution else {}),
        }

    def _laid_out(self) -> Page:
        return device_page.page(self.sections())


def device(**settings: Unpack[DeviceSettings]) -> DeviceFacts:
    """Return what would be measured on, its digest, and how fit it is for measuring at this moment.

    A trial of equal networks says what a run and a check resolve here, unless it should be `quick`.
    Raises UserError where the device is not there.
    """
    values = checked(settings, (*TARGET, QUICK, TOOLS))
    tools, target = tools_of(values), target_of(values)
    probe, found = tools.probe(), None
    with tools.workers() as launcher:
        facts = describe(target, launcher)
        if not values["quick"]:
            found = _resolution(target, launcher, tools)
    return DeviceFacts(facts, probe, grade(structure(facts["machine"], Machine), probe, target.threads), found)


def _resolution(target: Target, launcher: Launcher, tools: Tools) -> Resolution | None:
    try:
        return resolution(equal(SIDES), target, Plan(), launcher, tools.clock)
    except NothingMeasuredError as error:
        tools.notify(str(error))
        return None


@dataclass(repr=False)
class Peaks(Result):
    """The most that torch's operators reach on a device of this machine."""

    roofs: Roofs
    """Multiply-adds per second by dtype, bytes per second by level of caches, seconds to dispatch an operator."""

    def _laid_out(self) -> Page:
        return peaks_page.page(self.roofs)


def peaks(**settings: Unpack[PeaksSettings]) -> Peaks:
    """Return the most that torch's operators reach on a device, with so many threads.

    It is measured once, in about 20 seconds, and kept in the folder of BENCHCLI_CACHE; `fresh` measures it
    anew. Raises UserError where the device is not there, and NothingMeasuredError if nothing could be measured.
    """
    values = checked(settings, (*OF_ROOFS, FRESH, TOOLS))
    tools, target = tools_of(values), Target(**{each.name: values[each.name] for each in OF_ROOFS})
    with tools.workers() as launcher:
        return Peaks(roofs_of(target, launcher, tools, values["fresh"]))


def roofs_of(target: Target, launcher: Launcher, tools: Tools, fresh: bool = False) -> Roofs:
    """Return the roofs of a target's device and threads: the kept ones, or measured ones if none are or if `fresh`.

    They are those of eager mode with warm caches, whatever the target's runtime. Raises what `peaks` raises.
    """
    return measured_roofs.roofs_of(target, launcher, fresh, lambda doing: tools.observe(Progress(doing, 0.0, math.inf)))


@dataclass(repr=False)
class SelfTest(Result):
    """Comparisons with a known answer, and their summary."""

    comparisons: tuple[Trial, ...]
    """Each with its relative speed, and whether a slowdown was injected."""
    summary: Summary | None
    """None if no two equal networks were compared."""

    def _laid_out(self) -> Page:
        return selftest_page.page(self.comparisons, self.lines())

    def lines(self) -> list[str]:
        """Return the lines that the command line prints."""
        return selftest_page.lines(self.comparisons, self.summary) if self.summary else []

    def __repr__(self) -> str:
        return "\n".join(self.lines())


def selftest(comparisons: int = COMPARISONS.default, **settings: Unpack[SelfTestSettings]) -> SelfTest:
    """Compare equal networks, and slower ones by a known amount: do the intervals mean what they say?

    A quarter as many comparisons with a slower network come on top. Raises UserError where a
    setting is wrong, NothingMeasuredError if nothing could be compared, and UnfinishedError, which
    holds the finished comparisons, if it ended early.
    """
    values = checked({"comparisons": comparisons, **settings}, (*SELFTEST, *IN_PYTHON))
    number, plan, target = values["comparisons"], plan_of(values), target_of(values)
    if plan.launches is not None and not has_ranks(plan.launches):
        raise UserError(f"no interval from {plan.launches} launches: give {given('launches', 6)} or more")
    done: dict[str, Trial] = {}
    try:
        for comparison in compare(families(number, max(1, number // 4)), target, plan, tools_of(values)):
            done[comparison.name] = comparison
    except KeyboardInterrupt:
        left = "what was compared before is shown" if done else "nothing was compared"
        raise UnfinishedError(_result(done), None, f"interrupted: {left}") from None
    except NothingMeasuredError as error:
        if not done:
            raise
        left = f"{error}; what was compared before is shown"
        raise UnfinishedError(_result(done), str(error), left) from None
    result = _result(done)
    if result.summary is None:
        errors = [each.error for each in result.comparisons if each.error]
        reason = errors[0] if errors else f"no interval from fewer than 6 launches: give a larger {given('budget')}"
        raise NothingMeasuredError(f"no two equal networks could be compared: {reason}")
    return result


def _result(done: Mapping[str, Trial]) -> SelfTest:
    comparisons = tuple(done.values())
    return SelfTest(comparisons, summary(comparisons))
